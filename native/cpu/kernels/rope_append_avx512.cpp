// RoPE and append for AVX-512. The algorithm is in rope_append.h, the vector type in vec_avx512.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/rope_append.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

void rope_append_avx512(const OpArgs& args, Lane& lane) { RopeAppend<Avx512>::launch(args, lane); }

size_t rope_append_avx512_workspace(const OpShape& shape) {
  return RopeAppend<Avx512>::workspace(shape);
}

bool rope_append_avx512_supports(const OpShape& shape) {
  return RopeAppend<Avx512>::supports(shape);
}

}  // namespace nf::cpu
