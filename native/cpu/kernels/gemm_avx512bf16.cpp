// GEMM for AVX-512 BF16. The algorithm is in gemm.h, the vector type in vec_avx512.h.
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

void gemm_avx512bf16(const OpArgs& args, Lane& lane) { Gemm<Avx512Bf16>::launch(args, lane); }

size_t gemm_avx512bf16_workspace(const OpShape& shape) {
  return Gemm<Avx512Bf16>::workspace(shape);
}

bool gemm_avx512bf16_supports(const OpShape& shape) { return Gemm<Avx512Bf16>::supports(shape); }

}  // namespace nf::cpu
