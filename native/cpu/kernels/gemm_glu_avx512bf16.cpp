// GEMMs that end in a gated linear unit for AVX-512 BF16. The algorithm is in gemm_glu.h.
#include "cpu/kernels/gemm_glu.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

NF_GEMM_GLUS(avx512bf16, Avx512Bf16, Avx512Bf16Rows)

}  // namespace nf::cpu
