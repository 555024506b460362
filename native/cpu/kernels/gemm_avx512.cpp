// GEMM for AVX-512. The algorithm is in gemm.h, the vector type in vec_avx512.h.
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

void gemm_avx512(const OpArgs& args, Lane& lane) { Gemm<Avx512>::launch(args, lane); }

size_t gemm_avx512_workspace(const OpShape& shape) { return Gemm<Avx512>::workspace(shape); }

bool gemm_avx512_supports(const OpShape& shape) { return Gemm<Avx512>::supports(shape); }

}  // namespace nf::cpu
