// GEMM over block formats for AVX2. The algorithm is in gemm_quantized.h, the vector type in
// vec_avx2.h.
#include "cpu/kernels/gemm_quantized.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

NF_QUANTIZED_GEMMS(avx2, Avx2)

}  // namespace nf::cpu
