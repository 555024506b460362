// Every kernel of the cpu backend, one file per operation and instruction set.
//
// A file whose name ends in an instruction set is compiled with its flags. It must not give other
// files anything to link to but the functions below: shared code is a template over the vector type
// of the instruction set (vec_*.h), so that two instruction sets never share a symbol.
#pragma once

#include <cstddef>

#include "core/backend.h"

namespace nf::cpu {

// What every operation offers for one instruction set; see Kernel in backend.h.
#define NF_CPU_KERNEL(name)                      \
  void name(const OpArgs& args, Lane& lane);     \
  size_t name##_workspace(const OpShape& shape); \
  bool name##_supports(const OpShape& shape)

NF_CPU_KERNEL(embedding);
NF_CPU_KERNEL(route);
NF_CPU_KERNEL(echo);
NF_CPU_KERNEL(pool);

#define NF_CPU_KERNELS_OF(isa)            \
  NF_CPU_KERNEL(gemm_##isa);              \
  NF_CPU_KERNEL(gemm_swi_glu_##isa);      \
  NF_CPU_KERNEL(gemm_ge_glu_##isa);       \
  NF_CPU_KERNEL(grouped_gemm_##isa);      \
  NF_CPU_KERNEL(gemm_int8_##isa);         \
  NF_CPU_KERNEL(gemm_int8_swi_glu_##isa); \
  NF_CPU_KERNEL(gemm_int8_ge_glu_##isa);  \
  NF_CPU_KERNEL(gemm_q8_0_##isa);         \
  NF_CPU_KERNEL(gemm_q4_0_##isa);         \
  NF_CPU_KERNEL(gemm_q4_k_##isa);         \
  NF_CPU_KERNEL(gemm_q6_k_##isa);         \
  NF_CPU_KERNEL(decode_attention_##isa);  \
  NF_CPU_KERNEL(prefill_attention_##isa)

NF_CPU_KERNELS_OF(scalar);
NF_CPU_KERNELS_OF(avx2);
NF_CPU_KERNELS_OF(avx512);
NF_CPU_KERNELS_OF(avx512bf16);

// Without sums of products: bf16 dot products do not help them.
#define NF_CPU_ROW_KERNELS_OF(isa)        \
  NF_CPU_KERNEL(rms_norm_##isa);          \
  NF_CPU_KERNEL(rms_norm_quantize_##isa); \
  NF_CPU_KERNEL(quantize_##isa);          \
  NF_CPU_KERNEL(rope_append_##isa);       \
  NF_CPU_KERNEL(swi_glu_##isa);           \
  NF_CPU_KERNEL(ge_glu_##isa);            \
  NF_CPU_KERNEL(sample_##isa);            \
  NF_CPU_KERNEL(combine_experts_##isa)

NF_CPU_ROW_KERNELS_OF(scalar);
NF_CPU_ROW_KERNELS_OF(avx2);
NF_CPU_ROW_KERNELS_OF(avx512);

#undef NF_CPU_ROW_KERNELS_OF
#undef NF_CPU_KERNELS_OF
#undef NF_CPU_KERNEL

}  // namespace nf::cpu
