// Grouped GEMM for AVX-512 BF16. The algorithm is in grouped_gemm.h, the vector type in
// vec_avx512.h.
#include "cpu/kernels/grouped_gemm.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

void grouped_gemm_avx512bf16(const OpArgs& args, Lane& lane) {
  GroupedGemm<Avx512Bf16>::launch(args, lane);
}

size_t grouped_gemm_avx512bf16_workspace(const OpShape& shape) {
  return GroupedGemm<Avx512Bf16>::workspace(shape);
}

bool grouped_gemm_avx512bf16_supports(const OpShape& shape) {
  return GroupedGemm<Avx512Bf16>::supports(shape);
}

}  // namespace nf::cpu
