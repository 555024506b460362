// Sum of experts for AVX2. The algorithm is in combine_experts.h, the vector type in vec_avx2.h.
#include "cpu/kernels/combine_experts.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

void combine_experts_avx2(const OpArgs& args, Lane& lane) {
  CombineExperts<Avx2>::launch(args, lane);
}

size_t combine_experts_avx2_workspace(const OpShape& shape) {
  return CombineExperts<Avx2>::workspace(shape);
}

bool combine_experts_avx2_supports(const OpShape& shape) {
  return CombineExperts<Avx2>::supports(shape);
}

}  // namespace nf::cpu
