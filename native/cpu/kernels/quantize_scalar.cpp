// Rounding to int8 for every processor. The algorithm is in quantize.h, the vector type in
// vec_scalar.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/quantize.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

void quantize_scalar(const OpArgs& args, Lane& lane) { Quantize<Scalar>::launch(args, lane); }

size_t quantize_scalar_workspace(const OpShape& shape) {
  return Quantize<Scalar>::workspace(shape);
}

bool quantize_scalar_supports(const OpShape& shape) { return Quantize<Scalar>::supports(shape); }

}  // namespace nf::cpu
