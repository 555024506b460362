// GeGLU for AVX2. The algorithm is in glu.h, the vector type in vec_avx2.h.
#include "cpu/kernels/glu.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

using GeGluAvx2 = Glu<Avx2, Gelu<Avx2>>;

void ge_glu_avx2(const OpArgs& args, Lane& lane) { GeGluAvx2::launch(args, lane); }

size_t ge_glu_avx2_workspace(const OpShape& shape) { return GeGluAvx2::workspace(shape); }

bool ge_glu_avx2_supports(const OpShape& shape) { return GeGluAvx2::supports(shape); }

}  // namespace nf::cpu
