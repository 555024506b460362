// GEMM over block formats for every processor. The algorithm is in gemm_quantized.h, the vector
// type in vec_scalar.h.
#include "cpu/kernels/gemm_quantized.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

NF_QUANTIZED_GEMMS(scalar, Scalar)

}  // namespace nf::cpu
