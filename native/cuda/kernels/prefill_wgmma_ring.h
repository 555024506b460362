// Shared memory of prefill attention by wgmma, and the warp that fills it: queries by tensor
// copies, keys and values, tile by tile of the pages, by bulk copies into a ring of stages.
#pragma once

#include "cuda/kernels/prefill_attention_work.h"

namespace nf::cuda {

constexpr uint32_t kGroupThreads = 128;  // of a warpgroup
constexpr uint32_t kGroupRows = 64;
constexpr uint32_t kGroups = kTileRows / kGroupRows;  // that compute; one more fills
// Elements of a panel: 64 rows or tokens of kBlockColumns dimensions.
constexpr uint32_t kPanel = 64 * kBlockColumns;

// Queries are [group][panel][64 rows], keys and values of a stage [panel][64 tokens].
template <uint32_t dim>
struct RingShape {
  static constexpr uint32_t kPanels = dim / kBlockColumns;
  static constexpr uint32_t kStages = dim <= 128 ? 4 : dim <= 192 ? 3 : 2;
  static constexpr uint32_t kQueries = kGroups * kPanels * kPanel;  // elements
  static constexpr uint32_t kStage = kPanels * kPanel;              // of keys or of values
  static constexpr uint32_t kBytes = (kQueries + 2 * kStages * kStage) * sizeof(uint16_t);
  static constexpr uint32_t kBarriers = 3 + 4 * kStages;
};

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

template <typename T, uint32_t dim>
struct RingMemory {
  using Shape = RingShape<dim>;
  T* shared;
  uint64_t* barriers;

  __device__ T* queries(uint32_t group) const { return shared + group * Shape::kStage; }
  __device__ T* keys(uint32_t stage) const {
    return shared + Shape::kQueries + stage * Shape::kStage;
  }
  __device__ T* values(uint32_t stage) const { return keys(Shape::kStages + stage); }

  __device__ uint64_t* queries_full() const { return barriers; }
  __device__ uint64_t* queries_free() const { return barriers + 1; }
  // Of values that have come but are not complete without zeros behind them.
  __device__ uint64_t* values_came() const { return barriers + 2; }
  __device__ uint64_t* keys_full(uint32_t stage) const { return barriers + 3 + 4 * stage; }
  __device__ uint64_t* keys_free(uint32_t stage) const { return keys_full(stage) + 1; }
  __device__ uint64_t* values_full(uint32_t stage) const { return keys_full(stage) + 2; }
  __device__ uint64_t* values_free(uint32_t stage) const { return keys_full(stage) + 3; }

  // By one thread; afterwards __syncthreads. Each warp that computes sets free what it has used.
  __device__ void init() const {
    constexpr uint32_t kUsers = kGroups * kGroupThreads / kWarpSize;
    ptx::barrier_init(queries_full(), 1);
    ptx::barrier_init(queries_free(), kUsers);
    ptx::barrier_init(values_came(), 1);
    for (uint32_t stage = 0; stage < Shape::kStages; ++stage) {
      ptx::barrier_init(keys_full(stage), 1);
      ptx::barrier_init(keys_free(stage), kUsers);
      ptx::barrier_init(values_full(stage), 1);
      ptx::barrier_init(values_free(stage), kUsers);
    }
    ptx::fence_barrier_init();
  }
};

// A stage, and whether the ring has been gone through an odd number of times.
template <uint32_t stages>
struct RingPlace {
  uint32_t stage = 0;
  uint32_t parity = 0;

  __device__ void advance() {
    if (++stage == stages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

// One warp.
template <typename T, uint32_t dim>
class RingFiller {
 public:
  __device__ RingFiller(const RingMemory<T, dim>& memory, const AttentionInput& input,
                        const CUtensorMap* query_map)
      : memory_(memory), input_(input), query_map_(query_map) {}

  __device__ void run() {
    const PrefillWork work(input_);
    for (uint32_t turn = 0; work.has(turn); ++turn) {
      const PrefillTile tile = work.at(turn);
      ptx::barrier_wait(memory_.queries_free(), turn % 2 ^ 1);
      if (lane_index() == 0) bring_queries(tile);
      for (uint32_t start = tile.begin / kAttentionBlock * kAttentionBlock; start < tile.end;
           start += kAttentionBlock) {
        bring_block(tile, start);
        place_.advance();
      }
    }
  }

 private:
  using Shape = RingShape<dim>;
  static constexpr uint32_t kCopyBytes = kBlockElements * sizeof(T);
  static_assert(kAttentionBlock / kTileTokens * Shape::kPanels <= kWarpSize);

  __device__ void bring_queries(const PrefillTile& tile) {
    ptx::barrier_expect_bytes(memory_.queries_full(), Shape::kQueries * sizeof(T));
    for (uint32_t group = 0; group < kGroups; ++group) {
      const auto row = static_cast<int>(tile.first_row + group * kGroupRows);
      for (uint32_t panel = 0; panel < Shape::kPanels; ++panel) {
        const auto column = static_cast<int>(tile.head * dim + panel * kBlockColumns);
        ptx::tensor_copy_2d(memory_.queries(group) + panel * kPanel, query_map_, column, row,
                            memory_.queries_full());
      }
    }
  }

  __device__ void bring_block(const PrefillTile& tile, uint32_t start) {
    const uint32_t stage = place_.stage;
    const uint32_t tokens = min(tile.end - start, kAttentionBlock);
    const uint32_t tiles = (tokens + kTileTokens - 1) / kTileTokens;
    // Each lane copies a panel of a tile, or nothing.
    const uint32_t panel = lane_index() % Shape::kPanels;
    const uint32_t lane_tile = lane_index() / Shape::kPanels;
    const T* source = nullptr;
    if (lane_tile < tiles) {
      const uint32_t number = start / kTileTokens + lane_tile;
      source = input_.tile<T>(tile.pages[number / input_.layout.tiles()], tile.kv_head, number) +
               panel * kBlockElements;
    }
    const uint32_t offset = panel * kPanel + lane_tile * kBlockElements;
    const uint32_t bytes = tiles * Shape::kPanels * kCopyBytes;

    ptx::barrier_wait(memory_.keys_free(stage), place_.parity ^ 1);
    bring(memory_.keys(stage) + offset, source, bytes, memory_.keys_full(stage));
    if (source != nullptr) source += input_.layout.half_tile();
    ptx::barrier_wait(memory_.values_free(stage), place_.parity ^ 1);
    if (tokens == kAttentionBlock) {
      bring(memory_.values(stage) + offset, source, bytes, memory_.values_full(stage));
      return;
    }
    bring(memory_.values(stage) + offset, source, bytes, memory_.values_came());
    ptx::barrier_wait(memory_.values_came(), last_parity_);
    last_parity_ ^= 1;
    clear_values(memory_.values(stage), tokens);
    if (lane_index() == 0) ptx::barrier_arrive(memory_.values_full(stage));
  }

  // `bytes`: of all lanes together.
  __device__ void bring(T* target, const T* source, uint32_t bytes, uint64_t* barrier) {
    if (lane_index() == 0) ptx::barrier_expect_bytes(barrier, bytes);
    __syncwarp();
    if (source != nullptr) ptx::bulk_copy(target, source, kCopyBytes, barrier);
  }

  // Nothing is known of what follows the context, and 0 times NaN is NaN.
  __device__ void clear_values(T* values, uint32_t first_token) {
    constexpr uint32_t kChunks = kBlockColumns / 8;  // of 16 bytes in a token's row
    for (uint32_t panel = 0; panel < Shape::kPanels; ++panel) {
      for (uint32_t i = first_token * kChunks + lane_index(); i < kAttentionBlock * kChunks;
           i += kWarpSize) {
        *reinterpret_cast<uint4*>(values + panel * kPanel + i * 8) = make_uint4(0, 0, 0, 0);
      }
    }
    ptx::fence_async_proxy();
    __syncwarp();
  }

  const RingMemory<T, dim> memory_;
  const AttentionInput& input_;
  const CUtensorMap* query_map_;
  RingPlace<Shape::kStages> place_;
  uint32_t last_parity_ = 0;
};

#endif

}  // namespace nf::cuda
