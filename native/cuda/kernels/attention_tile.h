// What decode and prefill attention share: their arguments on the device, 16x16 blocks of swizzled
// tiles as operands of tensor cores, and the arithmetic of an online softmax.
//
// Scores are softened where the model has a soft cap, weights are powers of two:
//
//   weight = 2^(log2(e) * score - max)   rounded to the operand dtype, summed as rounded
//
// Where nothing was seen yet max is minus infinity and the sum 0, and what is hidden has the weight
// 0. Merging with nothing, and tokens of weight 0, change no bit: that is why a row's result does
// not depend on what else its block looks at. Stale bytes of tokens beyond a context are finite or
// not: their scores are replaced and their values count as 0.
#pragma once

#include <math.h>

#include <type_traits>

#include "core/op.h"
#include "cuda/kernels/reduce.h"
#include "cuda/kv_page.h"
#include "cuda/operand.h"
#include "cuda/ptx.h"

namespace nf::cuda {

constexpr float kLog2E = 1.44269504088896341f;

// The arguments of an attention kernel, passed by value.
struct AttentionInput {
  explicit AttentionInput(const AttentionArgs& in)
      : args(in), batch(*in.batch), layout{in.kv.page_tokens, in.kv.num_kv_heads, in.kv.head_dim} {}

  AttentionArgs args;
  Batch batch;
  KvPage layout;

  // Query heads of a kv head.
  __device__ uint32_t group() const { return args.num_heads / layout.num_kv_heads; }
  __device__ size_t head_offset(uint32_t row, uint32_t head) const {
    return (size_t{row} * args.num_heads + head) * layout.head_dim;
  }
  template <typename T>
  __device__ const T* query(uint32_t row, uint32_t head) const {
    return static_cast<const T*>(args.q) + head_offset(row, head);
  }
  template <typename T>
  __device__ T* out(uint32_t row, uint32_t head) const {
    return static_cast<T*>(args.out) + head_offset(row, head);
  }
  // The keys of a tile of a sequence that lies in `page`.
  template <typename T>
  __device__ const T* tile(uint32_t page, uint32_t kv_head, uint32_t tile_of_sequence) const {
    return reinterpret_cast<const T*>(args.kv.layer + page * args.kv.page_bytes) +
           layout.tile_offset(kv_head, tile_of_sequence % layout.tiles());
  }
};

inline bool attention_shape_fits(uint32_t head_dim, uint32_t num_heads, uint32_t num_kv_heads) {
  return head_dim > 0 && head_dim % 8 == 0 && head_dim <= kMaxHeadDim && num_kv_heads > 0 &&
         num_heads % num_kv_heads == 0;
}

// Calls launch with the padded head size as a constant.
template <typename Launch>
void for_padded_dim(const KvPage& layout, Launch&& launch) {
  switch (layout.column_blocks()) {
    case 1:
      return launch(std::integral_constant<uint32_t, 64>{});
    case 2:
      return launch(std::integral_constant<uint32_t, 128>{});
    case 3:
      return launch(std::integral_constant<uint32_t, 192>{});
    default:
      return launch(std::integral_constant<uint32_t, 256>{});
  }
}

// The last index in [begin, end) whose first[index] is not above `value`; first[begin] is not.
__device__ inline uint32_t find_run(const uint32_t* first, uint32_t begin, uint32_t end,
                                    uint32_t value) {
  while (end - begin > 1) {
    const uint32_t middle = begin + (end - begin) / 2;
    if (first[middle] <= value) {
      begin = middle;
    } else {
      end = middle;
    }
  }
  return begin;
}

// Columns [16 block, 16 block + 16) of a tile of 16 rows in shared memory, swizzled as KvPage says.
// registers[i] is the 8x8 matrix of rows 8 (i % 2) and columns 8 (i / 2): an A operand as it
// stands; {0, 2} and {1, 3} are B operands whose columns are rows 0-7 and 8-15 of the tile.
template <typename T>
__device__ inline void load_block(uint32_t (&registers)[4], const T* tile, uint32_t block) {
  const uint32_t lane = lane_index();
  ptx::load_matrices(registers, tile + KvPage::in_tile(lane % 16, block * 16 + lane / 16 * 8));
}

// The same with each matrix transposed. registers[i] is that of rows 8 (i / 2) and columns 8 (i %
// 2): an A operand of the transposed block; {0, 2} and {1, 3} are B operands whose columns are
// columns 0-7 and 8-15 of the block.
template <typename T>
__device__ inline void load_block_transposed(uint32_t (&registers)[4], const T* tile,
                                             uint32_t block) {
  const uint32_t lane = lane_index();
  ptx::load_matrices_transposed(
      registers, tile + KvPage::in_tile(lane % 8 + lane / 16 * 8, block * 16 + lane / 8 % 2 * 8));
}

// cap * tanh(score / cap), by tanh x = 1 - 2 / (e^(2x) + 1); 0: no cap.
__device__ inline float soften(float score, float cap) {
  if (cap == 0) return score;
  const float power = ptx::exp2_approximate(score * (2 * kLog2E / cap));
  return cap * (1.0f - __fdividef(2.0f, power + 1.0f));
}

// What a part of a context found for one row and head: the largest score times log2(e), and the sum
// of weights.
struct Softmax {
  float max;
  float sum;
};

__device__ inline Softmax nothing_seen() { return {-INFINITY, 0.0f}; }

// What exponents are relative to: finite also where nothing was seen.
__device__ inline float exponent_base(float max) { return max == -INFINITY ? 0.0f : max; }

// Factors that bring sums of weights to a common maximum.
struct MergeScales {
  float total;
  float added;
};

__device__ inline MergeScales merge(Softmax& total, Softmax added) {
  const float max = fmaxf(total.max, added.max);
  const float base = exponent_base(max);
  const MergeScales scales{ptx::exp2_approximate(total.max - base),
                           ptx::exp2_approximate(added.max - base)};
  total = {max, fmaf(total.sum, scales.total, added.sum * scales.added)};
  return scales;
}

// Written with fmaf, so that every kernel that merges rounds alike.
__device__ inline float merge(float total, float added, MergeScales scales) {
  return fmaf(total, scales.total, added * scales.added);
}

// A sum of weighted values, divided. Adding 0 turns -0 into 0: values of weight 0 may leave either
// sign.
__device__ inline float weighted_mean(float sum_of_values, float inverse_sum) {
  return fmaf(sum_of_values, inverse_sum, 0.0f);
}

}  // namespace nf::cuda
