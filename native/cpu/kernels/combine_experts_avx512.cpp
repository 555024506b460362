// Sum of experts for AVX-512. The algorithm is in combine_experts.h, the vector type in
// vec_avx512.h.
#include "cpu/kernels/combine_experts.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

void combine_experts_avx512(const OpArgs& args, Lane& lane) {
  CombineExperts<Avx512>::launch(args, lane);
}

size_t combine_experts_avx512_workspace(const OpShape& shape) {
  return CombineExperts<Avx512>::workspace(shape);
}

bool combine_experts_avx512_supports(const OpShape& shape) {
  return CombineExperts<Avx512>::supports(shape);
}

}  // namespace nf::cpu
