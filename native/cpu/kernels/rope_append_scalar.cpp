// RoPE and append for every processor. The algorithm is in rope_append.h, the vector type in
// vec_scalar.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/rope_append.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

void rope_append_scalar(const OpArgs& args, Lane& lane) { RopeAppend<Scalar>::launch(args, lane); }

size_t rope_append_scalar_workspace(const OpShape& shape) {
  return RopeAppend<Scalar>::workspace(shape);
}

bool rope_append_scalar_supports(const OpShape& shape) {
  return RopeAppend<Scalar>::supports(shape);
}

}  // namespace nf::cpu
