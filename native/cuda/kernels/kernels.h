// The kernels of the CUDA backend: see op.h for their arguments. `operand` is kBF16 or kF16; each
// is instantiated for both in the file of its name.
//
// <op>_supports and <op>_workspace are as in a kernel table: workspace is the scratch of a lane.
#pragma once

#include "core/backend.h"

namespace nf::cuda {

#define NF_CUDA_KERNEL(name)                     \
  bool name##_supports(const OpShape& shape);    \
  size_t name##_workspace(const OpShape& shape); \
  template <DType operand>                       \
  void name(const OpArgs& args, Lane& lane)

NF_CUDA_KERNEL(embedding);
NF_CUDA_KERNEL(rms_norm);
NF_CUDA_KERNEL(rope_append);
NF_CUDA_KERNEL(swi_glu);
NF_CUDA_KERNEL(ge_glu);
NF_CUDA_KERNEL(route);
NF_CUDA_KERNEL(combine_experts);
NF_CUDA_KERNEL(sample);
NF_CUDA_KERNEL(echo);
NF_CUDA_KERNEL(pool);

// Products by cuBLASLt, and by our own tensor-core kernel, whose sums have one order at any size.
NF_CUDA_KERNEL(gemm_cublaslt);
NF_CUDA_KERNEL(gemm_mma);
NF_CUDA_KERNEL(grouped_gemm_mma);

// Pages come by cp.async, on sm_90 by bulk copies.
NF_CUDA_KERNEL(decode_attention_async);
NF_CUDA_KERNEL(decode_attention_bulk);
// By mma.sync, on sm_90a by wgmma.
NF_CUDA_KERNEL(prefill_attention_mma);
NF_CUDA_KERNEL(prefill_attention_wgmma);

#undef NF_CUDA_KERNEL

}  // namespace nf::cuda
