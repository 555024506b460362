// Rounding to int8 for AVX-512. The algorithm is in quantize.h, the vector type in vec_avx512.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/quantize.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

void quantize_avx512(const OpArgs& args, Lane& lane) { Quantize<Avx512>::launch(args, lane); }

size_t quantize_avx512_workspace(const OpShape& shape) {
  return Quantize<Avx512>::workspace(shape);
}

bool quantize_avx512_supports(const OpShape& shape) { return Quantize<Avx512>::supports(shape); }

}  // namespace nf::cpu
