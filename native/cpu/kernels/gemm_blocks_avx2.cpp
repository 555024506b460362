// GEMM over block formats for AVX2. The algorithm is in gemm_blocks.h, the vector type in
// vec_avx2.h.
#include "cpu/kernels/gemm_blocks.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

NF_BLOCK_GEMMS(avx2, Avx2)

}  // namespace nf::cpu
