// int8 GEMM for AVX-512. The algorithm is in gemm_int8.h, the vector type in vec_avx512.h.
#include "cpu/kernels/gemm_int8.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

NF_INT8_GEMMS(avx512, Avx512, Avx512)

}  // namespace nf::cpu
