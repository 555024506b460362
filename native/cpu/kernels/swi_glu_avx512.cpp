// SwiGLU for AVX-512. The algorithm is in swi_glu.h, the vector type in vec_avx512.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/swi_glu.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

void swi_glu_avx512(const OpArgs& args, Lane& lane) { SwiGlu<Avx512>::launch(args, lane); }

size_t swi_glu_avx512_workspace(const OpShape& shape) { return SwiGlu<Avx512>::workspace(shape); }

bool swi_glu_avx512_supports(const OpShape& shape) { return SwiGlu<Avx512>::supports(shape); }

}  // namespace nf::cpu
