// SwiGLU for every processor. The algorithm is in swi_glu.h, the vector type in vec_scalar.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/swi_glu.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

void swi_glu_scalar(const OpArgs& args, Lane& lane) { SwiGlu<Scalar>::launch(args, lane); }

size_t swi_glu_scalar_workspace(const OpShape& shape) { return SwiGlu<Scalar>::workspace(shape); }

bool swi_glu_scalar_supports(const OpShape& shape) { return SwiGlu<Scalar>::supports(shape); }

}  // namespace nf::cpu
