// The kernel tables. Kernels of different instruction sets round differently, so a table never
// mixes two of them for one operation: a plan cannot choose between numeric classes.
#include "cpu/kernel_table.h"

#include "cpu/kernels/kernels.h"

namespace nf::cpu {
namespace {

#define NF_ROW(kind, name) \
  Kernel { OpKind::kind, #name, name##_supports, name##_workspace, name }

// A GEMM over weights that are not plain.
#define NF_GEMM_ROW(kind, format, name) \
  Kernel { OpKind::kind, #name, name##_supports, name##_workspace, name, DType::format }

#define NF_TABLE(isa, row_isa)                                                                  \
  {                                                                                             \
    NF_ROW(kEmbedding, embedding), NF_ROW(kRmsNorm, rms_norm_##row_isa),                        \
        NF_ROW(kRmsNormQuantize, rms_norm_quantize_##row_isa),                                  \
        NF_ROW(kQuantize, quantize_##row_isa), NF_ROW(kGemm, gemm_##isa),                       \
        NF_GEMM_ROW(kGemmSwiGlu, kPlain, gemm_swi_glu_##isa),                                   \
        NF_GEMM_ROW(kGemmGeGlu, kPlain, gemm_ge_glu_##isa),                                     \
        NF_GEMM_ROW(kGemm, kI8, gemm_int8_##isa),                                               \
        NF_GEMM_ROW(kGemmSwiGlu, kI8, gemm_int8_swi_glu_##isa),                                 \
        NF_GEMM_ROW(kGemmGeGlu, kI8, gemm_int8_ge_glu_##isa),                                   \
        NF_GEMM_ROW(kGemm, kQ8_0, gemm_q8_0_##isa), NF_GEMM_ROW(kGemm, kQ4_0, gemm_q4_0_##isa), \
        NF_GEMM_ROW(kGemm, kQ4_K, gemm_q4_k_##isa), NF_GEMM_ROW(kGemm, kQ6_K, gemm_q6_k_##isa), \
        NF_ROW(kRopeAppend, rope_append_##row_isa),                                             \
        NF_ROW(kDecodeAttention, decode_attention_##isa),                                       \
        NF_ROW(kPrefillAttention, prefill_attention_##isa), NF_ROW(kSwiGlu, swi_glu_##row_isa), \
        NF_ROW(kGeGlu, ge_glu_##row_isa), NF_ROW(kRoute, route),                                \
        NF_ROW(kGroupedGemm, grouped_gemm_##isa),                                               \
        NF_ROW(kCombineExperts, combine_experts_##row_isa), NF_ROW(kSample, sample_##row_isa),  \
        NF_ROW(kEcho, echo), NF_ROW(kPool, pool),                                               \
  }

constexpr Kernel kScalar[] = NF_TABLE(scalar, scalar);
#if defined(__x86_64__) || defined(_M_X64)
constexpr Kernel kAvx2[] = NF_TABLE(avx2, avx2);
constexpr Kernel kAvx512[] = NF_TABLE(avx512, avx512);
constexpr Kernel kAvx512Bf16[] = NF_TABLE(avx512bf16, avx512);
#endif

#undef NF_TABLE
#undef NF_GEMM_ROW
#undef NF_ROW

}  // namespace

std::span<const Kernel> kernel_table(Isa isa) {
#if defined(__x86_64__) || defined(_M_X64)
  if (isa == Isa::kAvx2) return kAvx2;
  if (isa == Isa::kAvx512) return kAvx512;
  if (isa == Isa::kAvx512Bf16) return kAvx512Bf16;
#endif
  return kScalar;
}

}  // namespace nf::cpu
