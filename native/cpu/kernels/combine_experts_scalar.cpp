// Sum of experts for every processor. The algorithm is in combine_experts.h, the vector type in
// vec_scalar.h.
#include "cpu/kernels/combine_experts.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

void combine_experts_scalar(const OpArgs& args, Lane& lane) {
  CombineExperts<Scalar>::launch(args, lane);
}

size_t combine_experts_scalar_workspace(const OpShape& shape) {
  return CombineExperts<Scalar>::workspace(shape);
}

bool combine_experts_scalar_supports(const OpShape& shape) {
  return CombineExperts<Scalar>::supports(shape);
}

}  // namespace nf::cpu
