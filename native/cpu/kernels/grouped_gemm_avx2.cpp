// Grouped GEMM for AVX2. The algorithm is in grouped_gemm.h, the vector type in vec_avx2.h.
#include "cpu/kernels/grouped_gemm.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

void grouped_gemm_avx2(const OpArgs& args, Lane& lane) { GroupedGemm<Avx2>::launch(args, lane); }

size_t grouped_gemm_avx2_workspace(const OpShape& shape) {
  return GroupedGemm<Avx2>::workspace(shape);
}

bool grouped_gemm_avx2_supports(const OpShape& shape) { return GroupedGemm<Avx2>::supports(shape); }

}  // namespace nf::cpu
