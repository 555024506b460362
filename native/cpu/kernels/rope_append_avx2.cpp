// RoPE and append for AVX2. The algorithm is in rope_append.h, the vector type in vec_avx2.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/rope_append.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

void rope_append_avx2(const OpArgs& args, Lane& lane) { RopeAppend<Avx2>::launch(args, lane); }

size_t rope_append_avx2_workspace(const OpShape& shape) {
  return RopeAppend<Avx2>::workspace(shape);
}

bool rope_append_avx2_supports(const OpShape& shape) { return RopeAppend<Avx2>::supports(shape); }

}  // namespace nf::cpu
