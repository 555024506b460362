// GEMM over block formats for AVX-512 BF16. The algorithm is in gemm_quantized.h, the vector type
// in vec_avx512.h.
#include "cpu/kernels/gemm_quantized.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

NF_QUANTIZED_GEMMS(avx512bf16, Avx512Bf16)

}  // namespace nf::cpu
