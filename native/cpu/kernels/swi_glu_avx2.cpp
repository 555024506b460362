// SwiGLU for AVX2. The algorithm is in swi_glu.h, the vector type in vec_avx2.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/swi_glu.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

void swi_glu_avx2(const OpArgs& args, Lane& lane) { SwiGlu<Avx2>::launch(args, lane); }

size_t swi_glu_avx2_workspace(const OpShape& shape) { return SwiGlu<Avx2>::workspace(shape); }

bool swi_glu_avx2_supports(const OpShape& shape) { return SwiGlu<Avx2>::supports(shape); }

}  // namespace nf::cpu
