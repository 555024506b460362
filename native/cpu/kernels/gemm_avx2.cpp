// GEMM for AVX2. The algorithm is in gemm.h, the vector type in vec_avx2.h.
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

void gemm_avx2(const OpArgs& args, Lane& lane) { Gemm<Avx2>::launch(args, lane); }

size_t gemm_avx2_workspace(const OpShape& shape) { return Gemm<Avx2>::workspace(shape); }

bool gemm_avx2_supports(const OpShape& shape) { return Gemm<Avx2>::supports(shape); }

}  // namespace nf::cpu
