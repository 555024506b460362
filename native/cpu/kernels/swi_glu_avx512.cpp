// SwiGLU for AVX-512. The algorithm is in glu.h, the vector type in vec_avx512.h.
#include "cpu/kernels/glu.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

using SwiGluAvx512 = Glu<Avx512, Silu<Avx512>>;

void swi_glu_avx512(const OpArgs& args, Lane& lane) { SwiGluAvx512::launch(args, lane); }

size_t swi_glu_avx512_workspace(const OpShape& shape) { return SwiGluAvx512::workspace(shape); }

bool swi_glu_avx512_supports(const OpShape& shape) { return SwiGluAvx512::supports(shape); }

}  // namespace nf::cpu
