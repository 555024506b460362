// int8 GEMM for AVX2. The algorithm is in gemm_int8.h, the vector type in vec_avx2.h.
#include "cpu/kernels/gemm_int8.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

NF_INT8_GEMMS(avx2, Avx2, Avx2)

}  // namespace nf::cpu
