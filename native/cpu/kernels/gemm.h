// GEMM over packed weights: out = a * w^T (+ bias) (+ residual).
//
// Traffic: every weight is read from memory once per 96 rows, activations once per 8 panels. How a
// task goes about it is in gemm_block.h.
#pragma once

#include "core/backend.h"
#include "core/check.h"
#include "cpu/kernels/gemm_block.h"

namespace nf::cpu {

template <typename V>
class Gemm {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const GemmArgs& args = op.gemm;
    if (args.rows.empty()) return;
    NF_ASSERT(args.weight.in % 2 == 0);
    const uint32_t rows = args.rows.size();
    const uint32_t row_blocks = (rows + Block::kRows - 1) / Block::kRows;
    const uint32_t block_rows = (rows + row_blocks - 1) / row_blocks;
    const auto split = Block::split_work(row_blocks, block_rows, args.weight, lane.units());
    lane.for_each(row_blocks * split.column_blocks, [&](uint32_t task, uint32_t worker) {
      // Row blocks of the same columns follow each other: they share the weights in cache.
      const uint32_t first_row = args.rows.begin + task % row_blocks * block_rows;
      if (first_row >= args.rows.end) return;
      const uint32_t left = args.rows.end - first_row;
      const RowRange block{first_row, first_row + (left < block_rows ? left : block_rows)};
      const Columns columns = Block::columns_of(args.weight, split, task / row_blocks);
      run_task(args, block, columns, lane.scratch(worker));
    });
  }

  static size_t workspace(const OpShape&) { return sizeof(Scratch); }

  static bool supports(const OpShape& shape) { return shape.in > 0 && shape.in % 2 == 0; }

 private:
  using Block = GemmBlock<V>;
  using Columns = typename Block::Columns;
  using A = typename V::A;

  struct Scratch {
    alignas(64) typename Block::Sums sums;
    // [rows, block of the reduced dimension], widened
    alignas(64) A wide[V::kPairDot ? 1 : Block::kInputSize];
  };

  static void run_task(const GemmArgs& args, RowRange rows, Columns columns, std::byte* memory) {
    auto& scratch = *reinterpret_cast<Scratch*>(memory);
    // A single tile of rows passes over the weights once: nothing to keep in cache.
    const bool once = V::kPairDot && rows.size() <= V::kTileRows;
    const size_t step = once ? pairs_of(args.weight.in) : Block::kPairs;
    Block::multiply_block(
        args.weight, columns, rows.size(), step, scratch.sums,
        [&](size_t k, Tile<V>& tile) { set_input(args, rows, k, scratch, tile); });
    for (uint32_t r = 0; r < rows.size(); ++r) {
      finish_row(args, rows.begin + r, columns.first, columns.count,
                 scratch.sums + r * size_t{columns.count});
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

  static void finish_row(const GemmArgs& args, uint32_t row, uint32_t column, uint32_t columns,
                         const float* sums) {
    const uint32_t out = args.weight.out;
    const uint32_t end = out - column < columns ? out - column : columns;
    const size_t base = size_t{row} * out + column;
    for (uint32_t i = 0; i < end; i += V::kLanes) {
      const uint32_t n = end - i < V::kLanes ? end - i : V::kLanes;
      typename V::F x = V::load(sums + i);
      if (args.bias) x = V::add(x, V::load_part(args.bias + column + i, n));
      if (args.residual) x = V::add(x, V::load_part(args.residual + base + i, n));
      if (args.out_dtype == DType::kF32) {
        V::store_part(static_cast<float*>(args.out) + base + i, x, n);
      } else {
        V::store_bf16_part(static_cast<uint16_t*>(args.out) + base + i, x, n);
      }
    }
  }
};

}  // namespace nf::cpu
