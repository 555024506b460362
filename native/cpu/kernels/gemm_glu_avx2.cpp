// GEMMs that end in a gated linear unit for AVX2. The algorithm is in gemm_glu.h.
#include "cpu/kernels/gemm_glu.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

NF_GEMM_GLUS(avx2, Avx2, Avx2)

}  // namespace nf::cpu
