// The rows of the reference backend's kernel table.
#include "kernel_table.h"

#include "kernels.h"

namespace nf::reference {
namespace {

bool any_shape(const OpShape&) { return true; }
size_t no_workspace(const OpShape&) { return 0; }

constexpr Kernel kKernels[] = {
    {OpKind::kEmbedding, "embedding", any_shape, no_workspace, embedding},
    {OpKind::kRmsNorm, "rms_norm", any_shape, no_workspace, rms_norm},
    {OpKind::kGemm, "gemm", any_shape, no_workspace, gemm},
    {OpKind::kRopeAppend, "rope_append", any_shape, no_workspace, rope_append},
    {OpKind::kDecodeAttention, "decode_attention", any_shape, no_workspace, attention},
    {OpKind::kPrefillAttention, "prefill_attention", any_shape, no_workspace, attention},
    {OpKind::kSwiGlu, "swi_glu", any_shape, no_workspace, swi_glu},
    {OpKind::kGeGlu, "ge_glu", any_shape, no_workspace, ge_glu},
    {OpKind::kRoute, "route", any_shape, no_workspace, route},
    {OpKind::kGroupedGemm, "grouped_gemm", any_shape, no_workspace, grouped_gemm},
    {OpKind::kCombineExperts, "combine_experts", any_shape, no_workspace, combine_experts},
    {OpKind::kSample, "sample", any_shape, sample_workspace, sample},
    {OpKind::kEcho, "echo", any_shape, no_workspace, echo},
    {OpKind::kPool, "pool", any_shape, no_workspace, pool},
};

}  // namespace

std::span<const Kernel> kernel_table() { return kKernels; }

}  // namespace nf::reference
