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
    for_each_task<Scratch>(
        args, columns_of(args.weight, false), lane, [&](const Task& task, Scratch& scratch) {
          multiply(args, task, scratch);
          for (uint32_t r = 0; r < task.rows.size(); ++r) {
            finish_row(args, task.rows.begin + r, task.panels.column(), task.panels.columns(),
                       scratch.sums + r * size_t{task.panels.columns()});
          }
        });
  }

  static size_t workspace(const OpShape&) { return sizeof(Scratch); }

  static bool supports(const OpShape& shape) { return shape.in > 0 && shape.in % 2 == 0; }

  // What other GEMMs share.
  using Block = GemmBlock<V>;
  using Split = typename Block::Split;
  using Columns = typename Block::Columns;

  // Rows and panels of one task.
  struct Task {
    RowRange rows;
    Panels panels;
  };

  static Columns columns_of(const WeightView& weight, bool halves) {
    return Block::columns_of(weight, halves, panel_words(weight.in) * sizeof(uint32_t));
  }

  static Split split_work(const GemmArgs& args, const Columns& columns, uint32_t units) {
    const uint32_t blocks = (args.rows.size() + Block::kRows - 1) / Block::kRows;
    return Block::split_work(columns, {blocks, args.rows.size()}, units);
  }

  // Row blocks of the same columns follow each other: they share the weights in cache.
  static Task task_of(const GemmArgs& args, const Columns& columns, const Split& split,
                      uint32_t index) {
    const uint32_t first_row = args.rows.begin + index % split.row_blocks * split.rows;
    if (first_row >= args.rows.end) return {};
    const uint32_t left = args.rows.end - first_row;
    return {{first_row, first_row + (left < split.rows ? left : split.rows)},
            Block::panels_of(columns, split, index / split.row_blocks)};
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

  using A = typename V::A;

  struct Scratch {
    alignas(64) typename Block::Sums sums;
    alignas(64) A input[Block::kInputSize];  // [rows, kPitch]
  };

  // Calls run(task, scratch) for every task.
  template <typename S, typename Run>
  static void for_each_task(const GemmArgs& args, const Columns& columns, Lane& lane, Run&& run) {
    const Split split = split_work(args, columns, lane.units());
    lane.for_each(split.row_blocks * split.column_blocks, [&](uint32_t index, uint32_t worker) {
      const Task task = task_of(args, columns, split, index);
      if (!task.rows.empty()) run(task, *reinterpret_cast<S*>(lane.scratch(worker)));
    });
  }

  // scratch.sums = the rows times the panels of a task.
  static void multiply(const GemmArgs& args, const Task& task, Scratch& scratch) {
    const uint32_t rows = task.rows.size();
    // A single tile of rows passes over the weights once: nothing to keep in cache.
    const bool once = V::kPairDot && rows <= V::kTileRows;
    const size_t step = once ? pairs_of(args.weight.in) : Block::kPairs;
    Block::multiply_block(
        args.weight, task.panels, rows, step, scratch.sums,
        [&](size_t k, Tile<V>& tile) { set_input(args, task.rows, k, scratch, tile); });
  }

 private:
  // Points the tile at columns [2k, 2k + 2 * pairs) of the rows' activations.
  static void set_input(const GemmArgs& args, RowRange rows, size_t k, Scratch& scratch,
                        Tile<V>& tile) {
    const uint32_t in = args.weight.in;
    const auto* a = static_cast<const uint16_t*>(args.a) + rows.begin * size_t{in} + 2 * k;
    if constexpr (V::kPairDot) {
      if (rows.size() <= V::kTileRows) {
        tile.a = reinterpret_cast<const uint32_t*>(a);
        tile.lda = in / 2;
        return;
      }
    }
    tile.a = scratch.input;
    tile.lda = Block::kPitch;
    for (uint32_t r = 0; r < rows.size(); ++r) {
      widen<V>(a + size_t{r} * in, static_cast<uint32_t>(2 * tile.pairs),
               scratch.input + r * tile.lda);
    }
  }
};

}  // namespace nf::cpu
