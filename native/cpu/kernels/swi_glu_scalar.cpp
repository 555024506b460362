// SwiGLU for every processor. The algorithm is in glu.h, the vector type in vec_scalar.h.
#include "cpu/kernels/glu.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

using SwiGluScalar = Glu<Scalar, Silu<Scalar>>;

void swi_glu_scalar(const OpArgs& args, Lane& lane) { SwiGluScalar::launch(args, lane); }

size_t swi_glu_scalar_workspace(const OpShape& shape) { return SwiGluScalar::workspace(shape); }

bool swi_glu_scalar_supports(const OpShape& shape) { return SwiGluScalar::supports(shape); }

}  // namespace nf::cpu
