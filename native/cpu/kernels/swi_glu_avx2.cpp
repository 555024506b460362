// SwiGLU for AVX2. The algorithm is in glu.h, the vector type in vec_avx2.h.
#include "cpu/kernels/glu.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

using SwiGluAvx2 = Glu<Avx2, Silu<Avx2>>;

void swi_glu_avx2(const OpArgs& args, Lane& lane) { SwiGluAvx2::launch(args, lane); }

size_t swi_glu_avx2_workspace(const OpShape& shape) { return SwiGluAvx2::workspace(shape); }

bool swi_glu_avx2_supports(const OpShape& shape) { return SwiGluAvx2::supports(shape); }

}  // namespace nf::cpu
