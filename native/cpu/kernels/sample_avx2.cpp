// Sampling for AVX2. The rules are in sample.cpp, the passes in sample_passes.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/sample_passes.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

NF_SAMPLE(avx2, Avx2)

}  // namespace nf::cpu
