// RMS norm for AVX2. The algorithm is in rms_norm.h, the vector type in vec_avx2.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/rms_norm.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

void rms_norm_avx2(const OpArgs& args, Lane& lane) { RmsNorm<Avx2>::launch(args, lane); }

size_t rms_norm_avx2_workspace(const OpShape& shape) { return RmsNorm<Avx2>::workspace(shape); }

bool rms_norm_avx2_supports(const OpShape& shape) { return RmsNorm<Avx2>::supports(shape); }

void rms_norm_quantize_avx2(const OpArgs& args, Lane& lane) {
  RmsNorm<Avx2>::launch_quantize(args, lane);
}

size_t rms_norm_quantize_avx2_workspace(const OpShape& shape) {
  return RmsNorm<Avx2>::quantize_workspace(shape);
}

bool rms_norm_quantize_avx2_supports(const OpShape& shape) {
  return RmsNorm<Avx2>::supports(shape);
}

}  // namespace nf::cpu
