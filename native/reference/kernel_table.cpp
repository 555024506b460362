// The rows of the reference backend's kernel table.
#include "kernel_table.h"

#include <algorithm>
#include <iterator>

#include "kernels.h"

namespace nf::reference {
namespace {

bool any_shape(const OpShape&) { return true; }
bool even_width(const OpShape& shape) { return shape.out % 2 == 0; }
size_t no_workspace(const OpShape&) { return 0; }

constexpr Kernel kKernels[] = {
    {OpKind::kEmbedding, "embedding", any_shape, no_workspace, embedding},
    {OpKind::kRmsNorm, "rms_norm", any_shape, no_workspace, rms_norm},
    {OpKind::kRmsNormQuantize, "rms_norm_quantize", any_shape, rms_norm_quantize_workspace,
     rms_norm_quantize},
    {OpKind::kQuantize, "quantize", any_shape, no_workspace, quantize},
    {OpKind::kGemm, "gemm", any_shape, no_workspace, gemm},
    {OpKind::kGemm, "gemm_int8", any_shape, gemm_int8_workspace, gemm_int8, DType::kI8},
    {OpKind::kGemmSwiGlu, "gemm_swi_glu", even_width, no_workspace, gemm_swi_glu},
    {OpKind::kGemmSwiGlu, "gemm_int8_swi_glu", even_width, gemm_int8_workspace, gemm_int8_swi_glu,
     DType::kI8},
    {OpKind::kGemmGeGlu, "gemm_ge_glu", even_width, no_workspace, gemm_ge_glu},
    {OpKind::kGemmGeGlu, "gemm_int8_ge_glu", even_width, gemm_int8_workspace, gemm_int8_ge_glu,
     DType::kI8},
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

constexpr bool has_all_kinds() {
  for (size_t kind = 0; kind < size_t(OpKind::kCount); ++kind) {
    const auto is_kind = [kind](const Kernel& kernel) { return size_t(kernel.kind) == kind; };
    if (std::none_of(std::begin(kKernels), std::end(kKernels), is_kind)) return false;
  }
  return true;
}
static_assert(has_all_kinds());

}  // namespace

std::span<const Kernel> kernel_table() { return kKernels; }

}  // namespace nf::reference
