// The subjects of the CUDA tests: the kernels with bf16 and with fp16 operands, run by the
// emulation, and the layouts they read.
#include "subjects.h"

#include "case_lane.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kv_page.h"
#include "cuda/pack.h"

namespace test {
namespace {

using nf::DType;
using nf::OpKind;

#define NF_CUDA_KERNEL(kind, name) \
  { kind, #name, nf::cuda::name##_supports, nf::cuda::name##_workspace, nf::cuda::name<operand> }

template <DType operand>
constexpr nf::Kernel kKernels[] = {
    NF_CUDA_KERNEL(OpKind::kEmbedding, embedding),
    NF_CUDA_KERNEL(OpKind::kRmsNorm, rms_norm),
    NF_CUDA_KERNEL(OpKind::kGemm, gemm_mma),
    NF_CUDA_KERNEL(OpKind::kGroupedGemm, grouped_gemm_mma),
    NF_CUDA_KERNEL(OpKind::kRopeAppend, rope_append),
    NF_CUDA_KERNEL(OpKind::kDecodeAttention, decode_attention_async),
    NF_CUDA_KERNEL(OpKind::kPrefillAttention, prefill_attention_mma),
    NF_CUDA_KERNEL(OpKind::kSwiGlu, swi_glu),
    NF_CUDA_KERNEL(OpKind::kGeGlu, ge_glu),
    NF_CUDA_KERNEL(OpKind::kRoute, route),
    NF_CUDA_KERNEL(OpKind::kCombineExperts, combine_experts),
    NF_CUDA_KERNEL(OpKind::kSample, sample),
    NF_CUDA_KERNEL(OpKind::kEcho, echo),
    NF_CUDA_KERNEL(OpKind::kPool, pool),
};

#undef NF_CUDA_KERNEL

size_t matrix_bytes(uint32_t out, uint32_t in, DType) { return nf::cuda::matrix_bytes(out, in); }

template <DType operand>
void pack_matrix(const nf::Backend::PackSpec& spec, const void* source, std::byte* packed) {
  for (uint32_t row = 0; row < spec.rows; ++row) {
    std::byte* out = packed + spec.target_row(row) * nf::cuda::matrix_bytes(1, spec.in);
    nf::cuda::convert_row(spec, source, row, operand, out);
  }
}

size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim) {
  return nf::cuda::KvPage{page_tokens, kv_heads, head_dim}.bytes();
}

template <DType operand>
Subject subject(const char* name) {
  return {name,          kKernels<operand>,
          operand,       nf::reference::packed_format,
          matrix_bytes,  pack_matrix<operand>,
          kv_page_bytes, open_cuda_lane,
          operand,       true};
}

}  // namespace

std::vector<Subject> subjects() {
  return {subject<DType::kBF16>("cuda bf16"), subject<DType::kF16>("cuda fp16")};
}

Sampler tested_sampler() {
  return {"cuda", nf::cuda::sample<DType::kBF16>, nf::cuda::sample_workspace, open_cuda_lane, 40};
}

}  // namespace test
