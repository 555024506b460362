// Attention of prefill rows by wgmma, for sm_90a. A block takes a tile of kTileRows rows of a
// sequence and one query head, and looks at its context in blocks of kAttentionBlock tokens at
// fixed absolute positions, in ascending order. Each of two warpgroups has half of the rows:
//
//   S[64 rows, 64 tokens] = q K^T
//   P = online softmax of S         in registers, as an A operand
//   out[64 rows, dims] += P V       while S of the next block is computed and softened
//
// A warp of a third one fills the ring they read (prefill_wgmma_ring.h). A launch may cut a tile:
// rows outside it are computed or not, and not written. What a row attends is masked per row, and a
// block that a row does not see at all changes none of its bits, so a row's result does not depend
// on the cut.
#include "core/check.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/prefill_wgmma_ring.h"
#include "cuda/lane.h"
#include "cuda/launch.h"
#include "cuda/shared_bytes.h"
#include "cuda/tensor_map.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kThreads = (1 + kGroups) * kGroupThreads;

#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)

// Together they fit an SM's 64 Ki registers.
constexpr int kFillerRegisters = 24;
constexpr int kGroupRegisters = 240;

// A warpgroup that computes 64 rows. Thread l of warp w has rows 16 w + l / 4 and 8 further of it,
// and in each group of 8 columns the two from l % 4 * 2 on: value 4 j + 2 h + i is that of column
// 8 j + l % 4 * 2 + i and the h-th row.
template <typename T, uint32_t dim>
class RowGroup {
 public:
  __device__ RowGroup(const RingMemory<T, dim>& memory, const AttentionInput& input, uint32_t group)
      : memory_(memory), input_(input), group_(group) {}

  __device__ void run() {
    const PrefillWork work(input_);
    for (uint32_t turn = 0; work.has(turn); ++turn) {
      const PrefillTile tile = work.at(turn);
      ptx::barrier_wait(memory_.queries_full(), turn % 2);
      attend(tile);
      set_free(memory_.queries_free());
      write(tile);
    }
  }

 private:
  using Shape = RingShape<dim>;
  // Else there are not enough registers for scores beside weights that are still read.
  static constexpr bool kOverlaps = dim <= 192;
  static constexpr uint32_t kBlockSteps = kAttentionBlock / 16;
  static constexpr uint32_t kStep = 16 * kBlockColumns;  // elements of 16 tokens of a panel

  __device__ uint32_t row(uint32_t half) const {
    return group_ * kGroupRows + warp_index() % 4 * 16 + half * 8 + lane_index() / 4;
  }

  __device__ void attend(const PrefillTile& tile) {
    clear();
    // The blocks that rows of this group see, of those that come for the tile.
    const uint32_t first = tile.position + group_ * kGroupRows;
    const uint32_t begin = input_.args.first_visible(first) / kAttentionBlock * kAttentionBlock;
    const bool any = tile.overlaps(group_ * kGroupRows, (group_ + 1) * kGroupRows);
    const uint32_t end = any ? min(tile.end, first + kGroupRows) : 0;
    uint32_t start = tile.begin / kAttentionBlock * kAttentionBlock;
    for (; start < begin && start < tile.end; start += kAttentionBlock) skip();
    if (start < end) {
      attend_blocks(tile, start, end);
      start += (end - start + kAttentionBlock - 1) / kAttentionBlock * kAttentionBlock;
    }
    for (; start < tile.end; start += kAttentionBlock) skip();
  }

  __device__ void clear() {
#pragma unroll
    for (uint32_t panel = 0; panel < Shape::kPanels; ++panel) {
#pragma unroll
      for (uint32_t i = 0; i < 32; ++i) sums_[panel][i] = 0;
    }
    max_[0] = max_[1] = -INFINITY;
    sum_[0] = sum_[1] = 0;
  }

  // While a block's scores are softened its predecessor's values are still multiplied.
  __device__ void attend_blocks(const PrefillTile& tile, uint32_t start, uint32_t end) {
    ptx::barrier_wait(memory_.keys_full(place_.stage), place_.parity);
    ptx::fence_products();
    multiply_keys(memory_.keys(place_.stage));
    ptx::wait_products<0>();
    ptx::settle(scores_);
    set_free(memory_.keys_free(place_.stage));
    uint64_t* used_values = nullptr;
    while (true) {
      float scales[2];
      weigh(tile, start, scales);
      ptx::settle(scores_);  // beside the product, not after it
      wait_for_values();
      if (used_values != nullptr) set_free(used_values);
      scale_sums(scales);
      pack_weights();
      const RingPlace<Shape::kStages> block = place_;
      place_.advance();
      start += kAttentionBlock;
      ptx::barrier_wait(memory_.values_full(block.stage), block.parity);
      used_values = memory_.values_free(block.stage);
      if (start >= end) {
        ptx::fence_products();
        multiply_values(memory_.values(block.stage));
        break;
      }
      ptx::barrier_wait(memory_.keys_full(place_.stage), place_.parity);
      ptx::fence_products();
      if constexpr (kOverlaps) {
        multiply_keys(memory_.keys(place_.stage));
        multiply_values(memory_.values(block.stage));
        ptx::wait_products<1>();
      } else {
        multiply_values(memory_.values(block.stage));
        multiply_keys(memory_.keys(place_.stage));
        ptx::wait_products<0>();
      }
      ptx::settle(scores_);
      set_free(memory_.keys_free(place_.stage));
    }
    wait_for_values();
    set_free(used_values);
  }

  __device__ void wait_for_values() {
    ptx::wait_products<0>();
    ptx::settle(scores_);  // which become weights now that nobody reads the old ones
#pragma unroll
    for (uint32_t panel = 0; panel < Shape::kPanels; ++panel) ptx::settle(sums_[panel]);
  }

  // A block that only the other group sees.
  __device__ void skip() {
    ptx::barrier_wait(memory_.keys_full(place_.stage), place_.parity);
    set_free(memory_.keys_free(place_.stage));
    ptx::barrier_wait(memory_.values_full(place_.stage), place_.parity);
    set_free(memory_.values_free(place_.stage));
    place_.advance();
  }

  static __device__ void set_free(uint64_t* barrier) {
    __syncwarp();
    if (lane_index() == 0) ptx::barrier_arrive(barrier);
  }

  __device__ void multiply_keys(const T* keys) {
    const T* queries = memory_.queries(group_);
#pragma unroll
    for (uint32_t panel = 0; panel < Shape::kPanels; ++panel) {
#pragma unroll
      for (uint32_t k = 0; k < kBlockColumns; k += 16) {
        ptx::multiply_64x64x16<T>(scores_, ptx::swizzled_matrix(queries + panel * kPanel + k),
                                  ptx::swizzled_matrix(keys + panel * kPanel + k), panel + k > 0);
      }
    }
    ptx::commit_products();
  }

  __device__ void multiply_values(const T* values) {
#pragma unroll
    for (uint32_t step = 0; step < kBlockSteps; ++step) {
#pragma unroll
      for (uint32_t panel = 0; panel < Shape::kPanels; ++panel) {
        ptx::multiply_64x64x16<T>(sums_[panel], weights_[step],
                                  ptx::swizzled_matrix(values + panel * kPanel + step * kStep),
                                  true);
      }
    }
    ptx::commit_products();
  }

  // Turns the scores of a block into weights, as they are when rounded to the operand dtype. What
  // was summed so far counts `scales` times from here on.
  __device__ void weigh(const PrefillTile& tile, uint32_t start, float (&scales)[2]) {
    mask(tile, start);
#pragma unroll
    for (uint32_t half = 0; half < 2; ++half) {
      float top = -INFINITY;
#pragma unroll
      for (uint32_t i = 2 * half; i < 32; i += 4) {
        top = fmaxf(top, fmaxf(scores_[i], scores_[i + 1]));
      }
      top = fmaxf(top, __shfl_xor_sync(kAllLanes, top, 1));
      top = fmaxf(top, __shfl_xor_sync(kAllLanes, top, 2));
      const float max = fmaxf(max_[half], top * kLog2E);
      const float base = exponent_base(max);
      scales[half] = ptx::exp2_approximate(max_[half] - base);
      max_[half] = max;
      float sum = 0;
#pragma unroll
      for (uint32_t i = 2 * half; i < 32; i += 4) {
#pragma unroll
        for (uint32_t j = i; j < i + 2; ++j) {
          const float weight = ptx::exp2_approximate(fmaf(scores_[j], kLog2E, -base));
          scores_[j] = widen(narrow<T>(weight));
          sum += scores_[j];
        }
      }
      sum_[half] = fmaf(sum_[half], scales[half], sum);
    }
  }

  // Caps scores and hides what a row does not attend.
  __device__ void mask(const PrefillTile& tile, uint32_t start) {
    const AttentionArgs& args = input_.args;
    if (args.softcap > 0) {
#pragma unroll
      for (uint32_t i = 0; i < 32; ++i) scores_[i] = soften(scores_[i], args.softcap);
    }
    const uint32_t first = tile.position + group_ * kGroupRows;
    const bool hides =
        start + kAttentionBlock > first + 1 || args.first_visible(first + kGroupRows - 1) > start;
    if (!hides) return;
#pragma unroll
    for (uint32_t half = 0; half < 2; ++half) {
      const uint32_t position = tile.position + row(half);
      const uint32_t begin = args.first_visible(position);
      const uint32_t token = start + lane_index() % 4 * 2;
#pragma unroll
      for (uint32_t i = 0; i < 8; ++i) {
#pragma unroll
        for (uint32_t j = 0; j < 2; ++j) {
          const uint32_t at = token + i * 8 + j;
          float& score = scores_[4 * i + 2 * half + j];
          score = at >= begin && at <= position ? score : -INFINITY;
        }
      }
    }
  }

  __device__ void scale_sums(const float (&scales)[2]) {
#pragma unroll
    for (uint32_t panel = 0; panel < Shape::kPanels; ++panel) {
#pragma unroll
      for (uint32_t i = 0; i < 32; ++i) sums_[panel][i] *= scales[i / 2 % 2];
    }
  }

  // A step's A operand holds the weights of its 16 tokens in the order in which scores lie.
  __device__ void pack_weights() {
#pragma unroll
    for (uint32_t i = 0; i < 16; ++i) {
      weights_[i / 4][i % 4] = narrow_pair<T>(scores_[2 * i], scores_[2 * i + 1]);
    }
  }

  __device__ void write(const PrefillTile& tile) const {
#pragma unroll
    for (uint32_t half = 0; half < 2; ++half) {
      float sum = sum_[half];
      sum += __shfl_xor_sync(kAllLanes, sum, 1);
      sum += __shfl_xor_sync(kAllLanes, sum, 2);
      if (!tile.has(row(half))) continue;
      const float inverse = 1.0f / sum;
      T* out = input_.out<T>(tile.first_row + row(half), tile.head) + lane_index() % 4 * 2;
#pragma unroll
      for (uint32_t panel = 0; panel < Shape::kPanels; ++panel) {
#pragma unroll
        for (uint32_t i = 0; i < 8; ++i) {
          const float* sums = sums_[panel] + 4 * i + 2 * half;
          *reinterpret_cast<uint32_t*>(out + panel * kBlockColumns + i * 8) =
              narrow_pair<T>(weighted_mean(sums[0], inverse), weighted_mean(sums[1], inverse));
        }
      }
    }
  }

  const RingMemory<T, dim> memory_;
  const AttentionInput& input_;
  const uint32_t group_;
  RingPlace<Shape::kStages> place_;
  float scores_[32];
  uint32_t weights_[kBlockSteps][4];
  float sums_[Shape::kPanels][32];  // of weighted values
  float max_[2];                    // of scores, times log2(e)
  float sum_[2];                    // of this thread's weights
};

#endif

template <typename T, uint32_t dim>
__global__ void __launch_bounds__(kThreads, 1)
    attend_wgmma(const AttentionInput input, const __grid_constant__ CUtensorMap query_map) {
#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
  NF_DYNAMIC_SHARED(T, shared);
  __shared__ uint64_t barriers[RingShape<dim>::kBarriers];
  const RingMemory<T, dim> memory{shared, barriers};
  if (threadIdx.x == 0) memory.init();
  __syncthreads();
  const uint32_t group = threadIdx.x / kGroupThreads;
  if (group == kGroups) {
    ptx::give_registers<kFillerRegisters>();
    if (warp_index() % 4 == 0) RingFiller<T, dim>(memory, input, &query_map).run();
  } else {
    ptx::take_registers<kGroupRegisters>();
    RowGroup<T, dim>(memory, input, group).run();
  }
#endif
}

template <DType operand, uint32_t dim>
void launch(const AttentionArgs& args, CudaLane& lane) {
  constexpr auto kernel = attend_wgmma<Operand<operand>, dim>;
  allow_shared_bytes<kernel>(RingShape<dim>::kBytes);
  const CUtensorMap query_map = swizzled_map(operand, args.q, args.batch->num_rows,
                                             uint64_t{args.num_heads} * dim, kGroupRows);
  NF_LAUNCH(kernel, lane.grid(most_prefill_blocks(args), 1), kThreads, RingShape<dim>::kBytes,
            lane.stream(), AttentionInput(args), query_map);
}

}  // namespace

bool prefill_attention_wgmma_supports(const OpShape& shape) {
  // Boxes of queries must not reach into the next head.
  return shape.head_dim % kBlockColumns == 0 &&
         attention_shape_fits(shape.head_dim, shape.num_heads, shape.num_kv_heads);
}

size_t prefill_attention_wgmma_workspace(const OpShape&) { return 0; }

template <DType operand>
void prefill_attention_wgmma(const OpArgs& op, Lane& lane) {
  const AttentionArgs& args = op.attention;
  if (args.rows.empty()) return;
  NF_ASSERT(args.kv.head_dim % kBlockColumns == 0);
  for_padded_dim({args.kv.page_tokens, args.kv.num_kv_heads, args.kv.head_dim},
                 [&](auto dim) { launch<operand, decltype(dim)::value>(args, cuda_lane(lane)); });
}

template void prefill_attention_wgmma<DType::kBF16>(const OpArgs&, Lane&);
template void prefill_attention_wgmma<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
