// GeGLU for every processor. The algorithm is in glu.h, the vector type in vec_scalar.h.
#include "cpu/kernels/glu.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

using GeGluScalar = Glu<Scalar, Gelu<Scalar>>;

void ge_glu_scalar(const OpArgs& args, Lane& lane) { GeGluScalar::launch(args, lane); }

size_t ge_glu_scalar_workspace(const OpShape& shape) { return GeGluScalar::workspace(shape); }

bool ge_glu_scalar_supports(const OpShape& shape) { return GeGluScalar::supports(shape); }

}  // namespace nf::cpu
