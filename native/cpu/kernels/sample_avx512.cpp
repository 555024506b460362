// Sampling for AVX-512. The rules are in sample.cpp, the passes in sample_passes.h.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/sample_passes.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

NF_SAMPLE(avx512, Avx512)

}  // namespace nf::cpu
