// Rounding to int8 for AVX2. The algorithm is in quantize.h, the vector type in vec_avx2.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/quantize.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

void quantize_avx2(const OpArgs& args, Lane& lane) { Quantize<Avx2>::launch(args, lane); }

size_t quantize_avx2_workspace(const OpShape& shape) { return Quantize<Avx2>::workspace(shape); }

bool quantize_avx2_supports(const OpShape& shape) { return Quantize<Avx2>::supports(shape); }

}  // namespace nf::cpu
