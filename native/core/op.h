// The vocabulary of operations: kinds, and the arguments each kernel gets.
//
// Dimension letters: T rows of the step, S samples of the step, H hidden, Q query heads, K kv
// heads, D head size, I intermediate size, V vocabulary, P tokens of a KV page, E experts of a
// layer, X experts of a row (its slots, in ascending order of the expert).
//
// The "operand" dtype is the backend's choice for what feeds a GEMM (fp32 on reference, bf16 on
// cpu, bf16 or fp16 on cuda); the residual stream and everything marked float is fp32 everywhere.
// Products that are not added to the stream (qkv, gate_up) have a dtype of the backend's choice
// too. A kernel works on `rows` only.
#pragma once

#include <cstdint>

#include "batch.h"
#include "routing.h"
#include "tensor.h"

namespace nf {

enum class OpKind : uint8_t {
  kEmbedding,
  kRmsNorm,
  kRmsNormQuantize,
  kQuantize,
  kGemm,
  kGemmSwiGlu,
  kGemmGeGlu,
  kRopeAppend,
  kDecodeAttention,
  kPrefillAttention,
  kSwiGlu,
  kGeGlu,
  kRoute,
  kGroupedGemm,
  kCombineExperts,
  kSample,
  kEcho,
  kPool,
  kCount
};

constexpr const char* kOpKindNames[] = {"embedding",
                                        "rms_norm",
                                        "rms_norm_quantize",
                                        "quantize",
                                        "gemm",
                                        "gemm_swi_glu",
                                        "gemm_ge_glu",
                                        "rope_append",
                                        "decode_attention",
                                        "prefill_attention",
                                        "swi_glu",
                                        "ge_glu",
                                        "route",
                                        "grouped_gemm",
                                        "combine_experts",
                                        "sample",
                                        "echo",
                                        "pool"};
static_assert(sizeof(kOpKindNames) / sizeof(kOpKindNames[0]) == size_t(OpKind::kCount));

// The rows of a step that an op works on, whatever range a plan gives it.
enum class RowPart : uint8_t { kAll = 0, kDecode = 1, kPrefill = 2 };

constexpr RowPart row_part(OpKind kind) {
  if (kind == OpKind::kDecodeAttention) return RowPart::kDecode;
  return kind == OpKind::kPrefillAttention ? RowPart::kPrefill : RowPart::kAll;
}

// Does it multiply rows with a matrix of its own, whose format chooses the kernel?
constexpr bool is_gemm(OpKind kind) {
  return kind == OpKind::kGemm || kind == OpKind::kGemmSwiGlu || kind == OpKind::kGemmGeGlu;
}

enum class Resource : uint8_t { kCompute = 0, kMemory = 1, kNetwork = 2 };

// out[row] = table[token(row)] * scale. Also records tokens of counted sequences in the penalty
// counts.
struct EmbeddingArgs {
  RowRange rows;
  const Batch* batch;
  WeightView table;  // [V, H], packed as a matrix
  float* out;        // [T, H]
  float scale = 1;
};

// out = x / rms(x) * weight (+ residual). With gather set, row s reads x[gather[s]] (the sampled
// rows). kRmsNormQuantize writes quantized rows: those of the result rounded to the operand dtype,
// as a quantize op of it would.
struct RmsNormArgs {
  RowRange rows;
  const uint32_t* gather;  // [S] or null
  const float* x;          // [T, H]
  const float* weight;     // [H]
  void* out;               // [rows, H] operand dtype; fp32 with a residual
  uint32_t hidden;
  float epsilon;
  const float* residual = nullptr;  // [rows, H] or null
};

// Quantizes each row on its own: scale = largest |x| / 127, x / scale rounded to nearest even
// (int8.h). A row of zeros has scale 0. One with a NaN or an infinity has scale NaN and no values:
// whatever is computed from it is NaN.
struct QuantizeArgs {
  RowRange rows;
  const void* x;   // [T, width] operand dtype
  std::byte* out;  // [T] quantized rows of width
  uint32_t width;
};

// out = a * w^T (+ bias) (+ residual), and with a softcap c: c * tanh(out / c). fp32 accumulation
// in ascending order of the reduced dimension: the sum of one output element never depends on the
// rows it is computed with. Where the weight is int8 so is a; the sum of products is an exact
// integer, and is multiplied with the scales of its row and of its column in fp32.
//
// kGemmSwiGlu and kGemmGeGlu have weights [gate | up] and write act(gate) * up [T, out / 2], as a
// glu op of their fp32 result would: without residual, softcap and stride.
struct GemmArgs {
  RowRange rows;
  const void* a;          // [T, in] operand dtype, or quantized rows
  WeightView weight;      // [out, in] packed
  const float* bias;      // [out] or null
  const float* residual;  // [T, out] or null; then out is fp32
  void* out;              // [T, out]
  DType out_dtype;        // operand dtype or fp32
  float softcap = 0;      // 0: none
  // Elements from a row of out and residual to the next, where the weight is a section of a wider
  // one; 0: the weight's own width
  uint32_t row_stride = 0;

  uint32_t stride() const { return row_stride == 0 ? weight.out : row_stride; }
};

// The paged keys and values of one layer. Bytes inside a page are the backend's own layout.
struct KvView {
  std::byte* layer;      // pages of this layer
  size_t page_bytes;     // one page of one layer
  uint32_t page_tokens;  // P
  uint32_t num_kv_heads;
  uint32_t head_dim;
};

struct RopeTable {
  const float* cos;  // [max_positions, D / 2]
  const float* sin;  // [max_positions, D / 2]
  // The same for rows of sequences with NF_SEQUENCE_LONG_ROPE; null: there are none.
  const float* long_cos = nullptr;
  const float* long_sin = nullptr;
};

// Splits qkv, divides every head of q and k by its rms where qk_norm is set, rotates them (halves
// of a head are the pairs), writes q and appends k, v to the pages.
struct RopeAppendArgs {
  RowRange rows;
  const Batch* batch;
  const void* qkv;  // [T, (Q + 2K) * D]
  void* q;          // [T, Q * D] operand dtype, times scale
  KvView kv;
  RopeTable rope;
  uint32_t num_heads;
  const float* qk_norm;           // [2, D]: weights of q, of k; or null
  float epsilon;                  // of the norm
  float scale;                    // mostly 1 / sqrt(D)
  DType qkv_dtype = DType::kF32;  // operand dtype or fp32
};

// Causal attention of rows over their sequence's pages. Both kinds share one arithmetic: blocks of
// kAttentionBlock keys at absolute positions, online softmax, merged in ascending order. A window
// hides the keys before it like the causal mask hides those behind the row.
struct AttentionArgs {
  RowRange rows;  // already clipped to the decode or the prefill rows
  const Batch* batch;
  const void* q;  // [T, Q * D] operand dtype
  KvView kv;
  void* out;  // [T, Q * D] operand dtype
  uint32_t num_heads;
  uint32_t window;    // tokens that a row attends, itself included; 0: all before it
  float softcap = 0;  // c: a score s counts as c * tanh(s / c); 0: as it is

  // The first position that a row at `position` attends.
  NF_HOST_DEVICE uint32_t first_visible(uint32_t position) const {
    return window == 0 || position < window ? 0 : position + 1 - window;
  }
};

constexpr uint32_t kAttentionBlock = 64;  // tokens; a multiple of 16, independent of the page size

// out = act(gate) * up, with x = [gate | up]. act is silu (kSwiGlu) or gelu by its tanh formula
// (kGeGlu). Of experts a row is a slot: there are T * X.
struct GluArgs {
  RowRange rows;
  const void* x;  // [T, 2 * I]
  void* out;      // [T, I] operand dtype
  uint32_t intermediate;
  DType x_dtype = DType::kF32;  // operand dtype or fp32
};

// Chooses the experts of each row and their weights: the rules are in routing.h.
struct RouteArgs {
  RowRange rows;
  const float* logits;  // [T, E]
  uint32_t* routing;    // [T, 2 * X]
  uint32_t num_experts;
  uint32_t slots;  // X
  bool normalize;  // the weights of a row are scaled to a sum of 1
};

// out[row, slot] = a[row or (row, slot)] * w[expert(row, slot)]^T, summed as a GEMM sums. The rows
// of a launch are grouped by expert in `order`, so that the weights of an expert are read once.
struct GroupedGemmArgs {
  RowRange rows;
  const void* a;                  // [T, in] or [T, X, in] operand dtype
  bool a_per_slot;                // the latter
  WeightView weight;              // E matrices [out, in] packed
  RoutingView routing;            // [T, 2 * X]
  uint32_t* order;                // [T, X], for the kernel's own use: rows of `rows` only
  void* out;                      // [T, X, out]
  DType out_dtype = DType::kF32;  // operand dtype or fp32
};

// out[row] = x[row] + the sum of weight(row, slot) * outputs[row, slot], slot by slot in fp32.
struct CombineExpertsArgs {
  RowRange rows;
  const float* outputs;  // [T, X, H]
  RoutingView routing;   // [T, 2 * X]
  const float* x;        // [T, H]
  float* out;            // [T, H]
  uint32_t hidden;
};

// Draws or scores the token of each sample row (see sampling.h).
struct SampleArgs {
  RowRange rows;  // of samples
  const Batch* batch;
  const float* logits;  // [S, V], left unmodified
  uint32_t vocab;
};

// The weightless model: the next token is the last one plus one, modulo V.
struct EchoArgs {
  RowRange rows;  // of samples
  const Batch* batch;
  uint32_t vocab;
};

// Pools the hidden states of sequences that ask for it, after the last norm, into their slots (see
// pooling.h). Others cost nothing.
struct PoolArgs {
  RowRange rows;  // of sequences
  const Batch* batch;
  const float* x;       // [T, H]
  const float* weight;  // [H]
  uint32_t hidden;
  float epsilon;
};

// Storage for the arguments of any op: a nano-op is bound into one of these.
union OpArgs {
  OpArgs() : embedding() {}
  EmbeddingArgs embedding;
  RmsNormArgs rms_norm;
  QuantizeArgs quantize;
  GemmArgs gemm;
  RopeAppendArgs rope_append;
  AttentionArgs attention;
  GluArgs glu;
  RouteArgs route;
  GroupedGemmArgs grouped_gemm;
  CombineExpertsArgs combine_experts;
  SampleArgs sample;
  EchoArgs echo;
  PoolArgs pool;
};

}  // namespace nf
