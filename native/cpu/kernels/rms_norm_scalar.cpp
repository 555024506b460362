// RMS norm for every processor. The algorithm is in rms_norm.h, the vector type in vec_scalar.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/rms_norm.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

void rms_norm_scalar(const OpArgs& args, Lane& lane) { RmsNorm<Scalar>::launch(args, lane); }

size_t rms_norm_scalar_workspace(const OpShape& shape) { return RmsNorm<Scalar>::workspace(shape); }

bool rms_norm_scalar_supports(const OpShape& shape) { return RmsNorm<Scalar>::supports(shape); }

void rms_norm_quantize_scalar(const OpArgs& args, Lane& lane) {
  RmsNorm<Scalar>::launch_quantize(args, lane);
}

size_t rms_norm_quantize_scalar_workspace(const OpShape& shape) {
  return RmsNorm<Scalar>::quantize_workspace(shape);
}

bool rms_norm_quantize_scalar_supports(const OpShape& shape) {
  return RmsNorm<Scalar>::supports(shape);
}

}  // namespace nf::cpu
