// int8 GEMM for AVX-512 VNNI. The algorithm is in gemm_int8.h, the vector type in vec_avx512.h.
#include "cpu/kernels/gemm_int8.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

NF_INT8_GEMMS(avx512bf16, Avx512Bf16, Avx512Bf16Rows)

}  // namespace nf::cpu
