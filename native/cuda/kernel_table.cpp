#include "cuda/kernel_table.h"

#include "cuda/kernels/kernels.h"

namespace nf::cuda {
namespace {

#define NF_ROW(kind, name) \
  Kernel { OpKind::kind, #name, name##_supports, name##_workspace, name<operand> }

// The first row of an op is its default: the others are there for shapes it does not support, and
// for plans to choose.
#define NF_ROWS_OF_ALL_DEVICES                                                                \
  NF_ROW(kEmbedding, embedding), NF_ROW(kRmsNorm, rms_norm), NF_ROW(kGemm, gemm_cublaslt),    \
      NF_ROW(kGemm, gemm_mma), NF_ROW(kRopeAppend, rope_append), NF_ROW(kSwiGlu, swi_glu),    \
      NF_ROW(kGeGlu, ge_glu), NF_ROW(kRoute, route), NF_ROW(kGroupedGemm, grouped_gemm_mma),  \
      NF_ROW(kCombineExperts, combine_experts), NF_ROW(kSample, sample), NF_ROW(kEcho, echo), \
      NF_ROW(kPool, pool)

template <DType operand>
constexpr Kernel kAmpere[] = {
    NF_ROWS_OF_ALL_DEVICES,
    NF_ROW(kDecodeAttention, decode_attention_async),
    NF_ROW(kPrefillAttention, prefill_attention_mma),
};

template <DType operand>
constexpr Kernel kHopper[] = {
    NF_ROWS_OF_ALL_DEVICES,
    NF_ROW(kDecodeAttention, decode_attention_bulk),
    NF_ROW(kPrefillAttention, prefill_attention_wgmma),
    NF_ROW(kPrefillAttention, prefill_attention_mma),
};

#undef NF_ROWS_OF_ALL_DEVICES
#undef NF_ROW

template <DType operand>
std::span<const Kernel> table_of(const DeviceFacts& device) {
  if (device.is_hopper()) return kHopper<operand>;
  return kAmpere<operand>;
}

}  // namespace

std::span<const Kernel> kernel_table(const DeviceFacts& device, DType operand) {
  return operand == DType::kF16 ? table_of<DType::kF16>(device) : table_of<DType::kBF16>(device);
}

}  // namespace nf::cuda
