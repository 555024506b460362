// GEMM for every processor. The algorithm is in gemm.h, the vector type in vec_scalar.h.
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

void gemm_scalar(const OpArgs& args, Lane& lane) { Gemm<Scalar>::launch(args, lane); }

size_t gemm_scalar_workspace(const OpShape& shape) { return Gemm<Scalar>::workspace(shape); }

bool gemm_scalar_supports(const OpShape& shape) { return Gemm<Scalar>::supports(shape); }

}  // namespace nf::cpu
