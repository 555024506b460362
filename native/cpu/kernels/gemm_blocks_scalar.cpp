// GEMM over block formats for every processor. The algorithm is in gemm_blocks.h, the vector type
// in vec_scalar.h.
#include "cpu/kernels/gemm_blocks.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

NF_BLOCK_GEMMS(scalar, Scalar)

}  // namespace nf::cpu
