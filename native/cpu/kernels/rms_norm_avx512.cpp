// RMS norm for AVX-512. The algorithm is in rms_norm.h, the vector type in vec_avx512.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/rms_norm.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

void rms_norm_avx512(const OpArgs& args, Lane& lane) { RmsNorm<Avx512>::launch(args, lane); }

size_t rms_norm_avx512_workspace(const OpShape& shape) { return RmsNorm<Avx512>::workspace(shape); }

bool rms_norm_avx512_supports(const OpShape& shape) { return RmsNorm<Avx512>::supports(shape); }

void rms_norm_quantize_avx512(const OpArgs& args, Lane& lane) {
  RmsNorm<Avx512>::launch_quantize(args, lane);
}

size_t rms_norm_quantize_avx512_workspace(const OpShape& shape) {
  return RmsNorm<Avx512>::quantize_workspace(shape);
}

bool rms_norm_quantize_avx512_supports(const OpShape& shape) {
  return RmsNorm<Avx512>::supports(shape);
}

}  // namespace nf::cpu
