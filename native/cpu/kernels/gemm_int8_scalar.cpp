// int8 GEMM for every processor. The algorithm is in gemm_int8.h, the vector type in vec_scalar.h.
#include "cpu/kernels/gemm_int8.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

NF_INT8_GEMMS(scalar, Scalar, Scalar)

}  // namespace nf::cpu
