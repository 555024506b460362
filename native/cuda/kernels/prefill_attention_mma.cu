// Attention of prefill rows by mma.sync: a block takes a tile of kTileRows rows of a sequence and
// one query head, and looks at its context in steps of tokens at fixed absolute positions, in
// ascending order.
//
//   S[rows, tokens] = q K^T       each warp has its own rows; q stays in shared memory
//   P = online softmax of S       as an A operand, in registers
//   out[rows, dims] += P V
//
// Keys and values of a step come by asynchronous copies into a ring of slots, in turn, while the
// step before them is computed. A launch may cut a tile: its other rows are not looked at. What a
// row attends is masked per row, and a step that a row does not see at all changes none of its
// bits, so a row's result does not depend on the cut.
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/prefill_attention_work.h"
#include "cuda/lane.h"
#include "cuda/launch.h"
#include "cuda/shared_bytes.h"

namespace nf::cuda {
namespace {

// Up to 128 dimensions a warp has 32 rows, so that what it reads of keys and values serves twice,
// and two blocks fit an SM; above, the sums of 16 rows fill its registers. Blocks fit the 99 KiB of
// an SM of sm_89.
template <uint32_t dim>
struct PrefillShape {
  static constexpr uint32_t kDim = dim;
  static constexpr uint32_t kWarps = dim <= 128 ? 4 : 8;
  static constexpr uint32_t kThreads = kWarps * kWarpSize;
  static constexpr uint32_t kBlocksPerUnit = dim <= 128 ? 2 : 1;
  static constexpr uint32_t kRowTiles = kTileRows / 16 / kWarps;            // of a warp
  static constexpr uint32_t kStep = dim <= 64 ? 64 : dim <= 128 ? 48 : 32;  // tokens
  static constexpr uint32_t kStepTiles = kStep / kTileTokens;
  static constexpr uint32_t kSlots = dim <= 192 ? 3 : 2;
  static constexpr uint32_t kHalfTile = kTileTokens * dim;  // elements
  static constexpr uint32_t kSlot = kStepTiles * kHalfTile;
  static constexpr uint32_t kQuery = kTileRows * dim;
  static constexpr uint32_t kBytes = (kQuery + kSlots * kSlot) * sizeof(uint16_t);
};

// Brings the keys and values of a tile's steps to shared memory: keys of a step, its values, keys
// of the next. All threads of the block.
template <typename T, typename Shape>
class StepRing {
 public:
  __device__ StepRing(T* slots, const AttentionInput& input, const PrefillTile& tile)
      : slots_(slots),
        input_(input),
        pages_(tile.pages),
        kv_head_(tile.kv_head),
        begin_(tile.begin),
        end_(tile.end),
        next_(tile.begin / Shape::kStep * Shape::kStep) {
    for (uint32_t i = 0; i + 1 < Shape::kSlots; ++i) fill(i);
  }

  // Waits for what comes next, and uses the time until then for what was read before.
  __device__ const T* take() {
    ptx::async_wait<int{Shape::kSlots} - 2>();
    __syncthreads();  // all copies are there, and all warps have left the slot to be filled
    const T* slot = slots_ + slot_ * Shape::kSlot;
    fill(slot_ == 0 ? Shape::kSlots - 1 : slot_ - 1);
    slot_ = slot_ + 1 < Shape::kSlots ? slot_ + 1 : 0;
    return slot;
  }

 private:
  // Starts to copy what comes next, if anything does.
  __device__ void fill(uint32_t slot) {
    if (next_ < end_) copy(slots_ + slot * Shape::kSlot);
    ptx::async_commit();
    next_ += values_ ? Shape::kStep : 0;
    values_ = !values_;
  }

  // Tokens that no row of the tile sees become zeros, whatever stands there.
  __device__ void copy(T* slot) const {
    constexpr uint32_t kPieces = Shape::kHalfTile / 8;  // of 16 bytes, in half a tile
#pragma unroll
    for (uint32_t i = 0; i < Shape::kStepTiles; ++i) {
      const uint32_t first = next_ + i * kTileTokens;
      const uint32_t tile = min(first, end_ - 1) / kTileTokens;
      const T* source = input_.tile<T>(pages_[tile / input_.layout.tiles()], kv_head_, tile) +
                        (values_ ? input_.layout.half_tile() : 0);
      for (uint32_t piece = threadIdx.x; piece < kPieces; piece += Shape::kThreads) {
        const uint32_t token = first + piece * 8 % kBlockElements / kBlockColumns;
        ptx::async_copy_16(slot + i * Shape::kHalfTile + piece * 8, source + piece * 8,
                           token >= begin_ && token < end_);
      }
    }
  }

  T* slots_;
  const AttentionInput& input_;
  const uint32_t* pages_;
  uint32_t kv_head_;
  uint32_t begin_, end_;  // tokens that any row of the tile sees
  uint32_t next_;         // first token of the step to be filled next
  uint32_t slot_ = 0;     // to be taken next; the one before it is filled next
  bool values_ = false;   // they are to be filled next
};

// Starts to copy the queries of a tile, laid out as tiles of keys are; zeros where there is none.
template <typename T, typename Shape>
__device__ void copy_query(T* query, const AttentionInput& input, const PrefillTile& tile) {
  constexpr uint32_t kRowPieces = Shape::kDim / 8;
  for (uint32_t i = threadIdx.x; i < kTileRows * kRowPieces; i += Shape::kThreads) {
    const uint32_t row = i / kRowPieces;
    const uint32_t column = i % kRowPieces * 8;
    const bool there = tile.has(row) && column < input.layout.head_dim;
    const T* source = input.query<T>(there ? tile.first_row + row : tile.rows.begin, tile.head) +
                      (there ? column : 0);
    ptx::async_copy_16(query + row / 16 * Shape::kHalfTile + KvPage::in_tile(row % 16, column),
                       source, there);
  }
}

// What a warp knows of its rows. With g = lane / 4 and t = lane % 4 a lane has rows g and g + 8 of
// each tile of 16 rows.
template <typename T, typename Shape>
struct WarpRows {
  static constexpr uint32_t kRowTiles = Shape::kRowTiles;
  static constexpr uint32_t kRows = kRowTiles * 16;
  static constexpr uint32_t kGroups = Shape::kStep / 8;  // of tokens
  static constexpr uint32_t kBlocks = Shape::kDim / 16;

  using Scores = float[kRowTiles][kGroups][4];  // (row g, tokens 2t and 2t + 1), (row g + 8, ...)
  using Weights = uint32_t[kRowTiles][Shape::kStepTiles][4];  // A operands

  float max[kRowTiles][2];
  float sum[kRowTiles][2];
  float out[kRowTiles][2 * kBlocks][4];  // (row g, dims 2t and 2t + 1), (row g + 8, ...)

  __device__ void clear() {
#pragma unroll
    for (uint32_t r = 0; r < kRowTiles; ++r) {
      max[r][0] = max[r][1] = -INFINITY;
      sum[r][0] = sum[r][1] = 0;
#pragma unroll
      for (uint32_t d = 0; d < 2 * kBlocks; ++d) {
#pragma unroll
        for (int i = 0; i < 4; ++i) out[r][d][i] = 0;
      }
    }
  }

  // `query`: of this warp's rows.
  __device__ static void score(const T* query, const T* keys, Scores& scores) {
#pragma unroll
    for (uint32_t r = 0; r < kRowTiles; ++r) {
#pragma unroll
      for (uint32_t n = 0; n < kGroups; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) scores[r][n][i] = 0;
      }
    }
#pragma unroll
    for (uint32_t b = 0; b < kBlocks; ++b) {
      uint32_t rows[kRowTiles][4];
#pragma unroll
      for (uint32_t r = 0; r < kRowTiles; ++r) {
        load_block(rows[r], query + r * Shape::kHalfTile, b);
      }
#pragma unroll
      for (uint32_t tile = 0; tile < Shape::kStepTiles; ++tile) {
        uint32_t block[4];
        load_block(block, keys + tile * Shape::kHalfTile, b);
        const uint32_t low[2] = {block[0], block[2]};
        const uint32_t high[2] = {block[1], block[3]};
#pragma unroll
        for (uint32_t r = 0; r < kRowTiles; ++r) {
          ptx::multiply_16x8x16<T>(scores[r][2 * tile], rows[r], low);
          ptx::multiply_16x8x16<T>(scores[r][2 * tile + 1], rows[r], high);
        }
      }
    }
  }

  // Softens scores and replaces those that are hidden. `first`: position of the warp's first row.
  __device__ static void mask(const AttentionArgs& args, uint32_t first, uint32_t start,
                              Scores& scores) {
    if (args.softcap != 0) {
#pragma unroll
      for (uint32_t r = 0; r < kRowTiles; ++r) {
#pragma unroll
        for (uint32_t n = 0; n < kGroups; ++n) {
#pragma unroll
          for (int i = 0; i < 4; ++i) scores[r][n][i] = soften(scores[r][n][i], args.softcap);
        }
      }
    }
    const bool all_seen =
        start + Shape::kStep <= first + 1 && start >= args.first_visible(first + kRows - 1);
    if (all_seen) return;
#pragma unroll
    for (uint32_t r = 0; r < kRowTiles; ++r) {
#pragma unroll
      for (uint32_t half = 0; half < 2; ++half) {
        const uint32_t position = first + r * 16 + half * 8 + lane_index() / 4;
        const uint32_t begin = args.first_visible(position);
#pragma unroll
        for (uint32_t n = 0; n < kGroups; ++n) {
#pragma unroll
          for (uint32_t i = 0; i < 2; ++i) {
            const uint32_t token = start + n * 8 + lane_index() % 4 * 2 + i;
            if (token < begin || token > position) scores[r][n][half * 2 + i] = -INFINITY;
          }
        }
      }
    }
  }

  // Turns scores into weights, and scales what there is to the new maximum.
  __device__ void weigh(Scores& scores, Weights& weights) {
    bool changed = false;
    float scales[kRowTiles][2];
#pragma unroll
    for (uint32_t r = 0; r < kRowTiles; ++r) {
#pragma unroll
      for (uint32_t half = 0; half < 2; ++half) {
        float top = -INFINITY;
#pragma unroll
        for (uint32_t n = 0; n < kGroups; ++n) {
          top = fmaxf(top, fmaxf(scores[r][n][half * 2], scores[r][n][half * 2 + 1]));
        }
        top = fmaxf(top, __shfl_xor_sync(kAllLanes, top, 1));
        top = fmaxf(top, __shfl_xor_sync(kAllLanes, top, 2));
        top = fmaxf(max[r][half], top * kLog2E);
        const float base = exponent_base(top);
        scales[r][half] = ptx::exp2_approximate(max[r][half] - base);
        changed |= scales[r][half] != 1;
        max[r][half] = top;
#pragma unroll
        for (uint32_t n = 0; n < kGroups; ++n) {
#pragma unroll
          for (uint32_t i = 0; i < 2; ++i) {
            float& score = scores[r][n][half * 2 + i];
            score = ptx::exp2_approximate(fmaf(score, kLog2E, -base));
          }
        }
      }
#pragma unroll
      for (uint32_t tile = 0; tile < Shape::kStepTiles; ++tile) {
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) {
          const float(&four)[4] = scores[r][2 * tile + i / 2];
          weights[r][tile][i] = narrow_pair<T>(four[i % 2 * 2], four[i % 2 * 2 + 1]);
        }
      }
    }
    // The maximum changes rarely, and a factor of 1 changes nothing.
    if (!__any_sync(kAllLanes, changed)) return;
#pragma unroll
    for (uint32_t r = 0; r < kRowTiles; ++r) {
      sum[r][0] *= scales[r][0];
      sum[r][1] *= scales[r][1];
#pragma unroll
      for (uint32_t d = 0; d < 2 * kBlocks; ++d) {
#pragma unroll
        for (int i = 0; i < 4; ++i) out[r][d][i] *= scales[r][i / 2];
      }
    }
  }

  __device__ void add_values(const T* values, const Weights& weights) {
    const uint32_t ones = narrow_pair<T>(1.0f, 1.0f);
    const uint32_t all_ones[2] = {ones, ones};
#pragma unroll
    for (uint32_t tile = 0; tile < Shape::kStepTiles; ++tile) {
#pragma unroll
      for (uint32_t r = 0; r < kRowTiles; ++r) {
        float sums[4] = {sum[r][0], 0, sum[r][1], 0};
        ptx::multiply_16x8x16<T>(sums, weights[r][tile], all_ones);
        sum[r][0] = sums[0];
        sum[r][1] = sums[2];
      }
#pragma unroll
      for (uint32_t b = 0; b < kBlocks; ++b) {
        uint32_t block[4];
        load_block_transposed(block, values + tile * Shape::kHalfTile, b);
        const uint32_t low[2] = {block[0], block[2]};
        const uint32_t high[2] = {block[1], block[3]};
#pragma unroll
        for (uint32_t r = 0; r < kRowTiles; ++r) {
          ptx::multiply_16x8x16<T>(out[r][2 * b], weights[r][tile], low);
          ptx::multiply_16x8x16<T>(out[r][2 * b + 1], weights[r][tile], high);
        }
      }
    }
  }

  __device__ void store(const AttentionInput& input, const PrefillTile& tile) const {
#pragma unroll
    for (uint32_t r = 0; r < kRowTiles; ++r) {
#pragma unroll
      for (uint32_t half = 0; half < 2; ++half) {
        const uint32_t row = warp_index() * kRows + r * 16 + half * 8 + lane_index() / 4;
        if (!tile.has(row)) continue;
        const float inverse_sum = 1.0f / sum[r][half];
        T* to = input.out<T>(tile.first_row + row, tile.head);
#pragma unroll
        for (uint32_t d = 0; d < 2 * kBlocks; ++d) {
          const uint32_t dim = d * 8 + lane_index() % 4 * 2;
          if (dim >= input.layout.head_dim) continue;
          const float(&four)[4] = out[r][d];
          *reinterpret_cast<uint32_t*>(to + dim) =
              narrow_pair<T>(weighted_mean(four[half * 2], inverse_sum),
                             weighted_mean(four[half * 2 + 1], inverse_sum));
        }
      }
    }
  }
};

template <typename T, typename Shape>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerUnit)
    attend_prefill(AttentionInput input) {
  using Rows = WarpRows<T, Shape>;
  NF_DYNAMIC_SHARED(T, query);
#pragma unroll 1
  for (uint32_t turn = 0; PrefillWork(input).has(turn); ++turn) {
    const PrefillTile tile = PrefillWork(input).at(turn);
    __syncthreads();  // all warps are through with the tile before
    copy_query<T, Shape>(query, input, tile);
    StepRing<T, Shape> ring(query + Shape::kQuery, input, tile);

    const uint32_t own = warp_index() * Rows::kRows;  // first row of the tile that is this warp's
    const uint32_t first = tile.position + own;
    const bool idle = !tile.overlaps(own, own + Rows::kRows);
    Rows rows;
    rows.clear();
#pragma unroll 1
    for (uint32_t start = tile.begin / Shape::kStep * Shape::kStep; start < tile.end;
         start += Shape::kStep) {
      const bool hidden = idle || start > first + Rows::kRows - 1 ||
                          start + Shape::kStep <= input.args.first_visible(first);
      typename Rows::Weights weights;
      const T* keys = ring.take();
      if (!hidden) {
        typename Rows::Scores scores;
        Rows::score(query + own * Shape::kDim, keys, scores);
        Rows::mask(input.args, first, start, scores);
        rows.weigh(scores, weights);
      }
      const T* values = ring.take();
      if (!hidden) rows.add_values(values, weights);
    }
    // Looked up again, because nothing is left of the registers in between.
    rows.store(input, PrefillWork(input).at(turn));
  }
}

}  // namespace

bool prefill_attention_mma_supports(const OpShape& shape) {
  return attention_shape_fits(shape.head_dim, shape.num_heads, shape.num_kv_heads);
}

size_t prefill_attention_mma_workspace(const OpShape&) { return 0; }

template <DType operand>
void prefill_attention_mma(const OpArgs& op, Lane& lane) {
  const AttentionArgs& args = op.attention;
  if (args.rows.empty()) return;
  CudaLane& cuda = cuda_lane(lane);
  const AttentionInput input(args);
  for_padded_dim(input.layout, [&](auto dim) {
    using Shape = PrefillShape<dim>;
    constexpr auto kernel = attend_prefill<Operand<operand>, Shape>;
    allow_shared_bytes<kernel>(Shape::kBytes);
    const uint32_t grid = cuda.grid(most_prefill_blocks(args), Shape::kBlocksPerUnit);
    NF_LAUNCH(kernel, grid, Shape::kThreads, Shape::kBytes, cuda.stream(), input);
  });
}

template void prefill_attention_mma<DType::kBF16>(const OpArgs&, Lane&);
template void prefill_attention_mma<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
