// GeGLU for AVX-512. The algorithm is in glu.h, the vector type in vec_avx512.h.
#include "cpu/kernels/glu.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

using GeGluAvx512 = Glu<Avx512, Gelu<Avx512>>;

void ge_glu_avx512(const OpArgs& args, Lane& lane) { GeGluAvx512::launch(args, lane); }

size_t ge_glu_avx512_workspace(const OpShape& shape) { return GeGluAvx512::workspace(shape); }

bool ge_glu_avx512_supports(const OpShape& shape) { return GeGluAvx512::supports(shape); }

}  // namespace nf::cpu
