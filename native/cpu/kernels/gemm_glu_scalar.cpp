// GEMMs that end in a gated linear unit for plain C++. The algorithm is in gemm_glu.h.
#include "cpu/kernels/gemm_glu.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

NF_GEMM_GLUS(scalar, Scalar, Scalar)

}  // namespace nf::cpu
