// GEMMs that end in a gated linear unit for AVX-512. The algorithm is in gemm_glu.h.
#include "cpu/kernels/gemm_glu.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

NF_GEMM_GLUS(avx512, Avx512, Avx512)

}  // namespace nf::cpu
