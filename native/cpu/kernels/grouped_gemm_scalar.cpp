// Grouped GEMM for every processor. The algorithm is in grouped_gemm.h, the vector type in
// vec_scalar.h.
#include "cpu/kernels/grouped_gemm.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

void grouped_gemm_scalar(const OpArgs& args, Lane& lane) {
  GroupedGemm<Scalar>::launch(args, lane);
}

size_t grouped_gemm_scalar_workspace(const OpShape& shape) {
  return GroupedGemm<Scalar>::workspace(shape);
}

bool grouped_gemm_scalar_supports(const OpShape& shape) {
  return GroupedGemm<Scalar>::supports(shape);
}

}  // namespace nf::cpu
