// GEMM over packed weights: out = a * w^T (+ bias) (+ residual), softened where the model caps it.
//
// Traffic: every weight is read from memory once per 96 rows, activations once per 8 panels. How a
// task goes about it is in gemm_block.h.
#pragma once

#include "core/backend.h"
#include "core/check.h"
#include "cpu/kernels/gemm_block.h"
#include "cpu/kernels/vec_math.h"

namespace nf::cpu {

template <typename V>
class Gemm {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const GemmArgs& args = op.gemm;
    if (args.rows.empty()) return;
    NF_ASSERT(args.weight.in % 2 == 0);
    const size_t panel_bytes = panel_words(args.weight.in) * sizeof(uint32_t);
    const Split split = split_work(args, lane.units(), panel_bytes);
    lane.for_each(split.row_blocks * split.column_blocks, [&](uint32_t index, uint32_t worker) {
      const Task task = task_of(args, split, index);
      if (!task.rows.empty()) run_task(args, task, lane.scratch(worker));
    });
  }

  static size_t workspace(const OpShape&) { return sizeof(Scratch); }

  static bool supports(const OpShape& shape) { return shape.in > 0 && shape.in % 2 == 0; }

  // What gemm_quantized.h shares.
  using Block = GemmBlock<V>;
  using Split = typename Block::Split;

  // Rows and panels of one task.
  struct Task {
    RowRange rows;
    Panels panels;
  };

  static Split split_work(const GemmArgs& args, uint32_t units, size_t panel_bytes) {
    const uint32_t blocks = (args.rows.size() + Block::kRows - 1) / Block::kRows;
    return Block::split_work(args.weight, {blocks, args.rows.size()}, panel_bytes, units);
  }

  // Row blocks of the same columns follow each other: they share the weights in cache.
  static Task task_of(const GemmArgs& args, const Split& split, uint32_t index) {
    const uint32_t first_row = args.rows.begin + index % split.row_blocks * split.rows;
    if (first_row >= args.rows.end) return {};
    const uint32_t left = args.rows.end - first_row;
    return {{first_row, first_row + (left < split.rows ? left : split.rows)},
            Block::panels_of(args.weight, split, index / split.row_blocks)};
  }

  static void finish_row(const GemmArgs& args, uint32_t row, uint32_t column, uint32_t columns,
                         const float* sums) {
    const uint32_t out = args.weight.out;
    const uint32_t end = out - column < columns ? out - column : columns;
    const size_t base = size_t{row} * args.stride() + column;
    for (uint32_t i = 0; i < end; i += V::kLanes) {
      const uint32_t n = end - i < V::kLanes ? end - i : V::kLanes;
      typename V::F x = V::load(sums + i);
      if (args.bias) x = V::add(x, V::load_part(args.bias + column + i, n));
      if (args.residual) x = V::add(x, V::load_part(args.residual + base + i, n));
      if (args.softcap > 0) x = soft_cap<V>(x, args.softcap);
      if (args.out_dtype == DType::kF32) {
        V::store_part(static_cast<float*>(args.out) + base + i, x, n);
      } else {
        V::store_bf16_part(static_cast<uint16_t*>(args.out) + base + i, x, n);
      }
    }
  }

 private:
  using A = typename V::A;

  struct Scratch {
    alignas(64) typename Block::Sums sums;
    // [rows, block of the reduced dimension], widened
    alignas(64) A wide[V::kPairDot ? 1 : Block::kInputSize];
  };

  static void run_task(const GemmArgs& args, const Task& task, std::byte* memory) {
    auto& scratch = *reinterpret_cast<Scratch*>(memory);
    const uint32_t rows = task.rows.size();
    // A single tile of rows passes over the weights once: nothing to keep in cache.
    const bool once = V::kPairDot && rows <= V::kTileRows;
    const size_t step = once ? pairs_of(args.weight.in) : Block::kPairs;
    Block::multiply_block(
        args.weight, task.panels, rows, step, scratch.sums,
        [&](size_t k, Tile<V>& tile) { set_input(args, task.rows, k, scratch, tile); });
    for (uint32_t r = 0; r < rows; ++r) {
      finish_row(args, task.rows.begin + r, task.panels.column(), task.panels.columns(),
                 scratch.sums + r * size_t{task.panels.columns()});
    }
  }

  // Points the tile at columns [2k, 2k + 2 * pairs) of the rows' activations.
  static void set_input(const GemmArgs& args, RowRange rows, size_t k, Scratch& scratch,
                        Tile<V>& tile) {
    const uint32_t in = args.weight.in;
    const auto* a = static_cast<const uint16_t*>(args.a) + rows.begin * size_t{in} + 2 * k;
    if constexpr (V::kPairDot) {
      tile.a = reinterpret_cast<const uint32_t*>(a);
      tile.lda = in / 2;
    } else {
      tile.a = scratch.wide;
      tile.lda = Block::kPairs * Tile<V>::kPairSize;
      for (uint32_t r = 0; r < rows.end - rows.begin; ++r) {
        widen<V>(a + size_t{r} * in, static_cast<uint32_t>(2 * tile.pairs),
                 scratch.wide + r * tile.lda);
      }
    }
  }
};

}  // namespace nf::cpu
