// Sampling for any machine. The rules are in sample.cpp, the passes in sample_passes.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/sample_passes.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

NF_SAMPLE(scalar, Scalar)

}  // namespace nf::cpu
