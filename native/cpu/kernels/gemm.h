// GEMM over packed weights: out = a * w^T (+ bias) (+ residual), softened where the model caps it.
//
// Traffic: every weight is read from memory once per 96 rows, activations once per 8 panels. A task
// is a block of rows times a few panels of 32 columns. Inside it the reduced dimension goes in
// blocks, so that a panel's block (32 or 64 KiB) stays in the nearest caches while all row tiles
// pass over it; partial sums rest as fp32 in scratch, which is exact.
#pragma once

#include "core/backend.h"
#include "core/check.h"
#include "cpu/kernels/tile.h"
#include "cpu/kernels/vec_math.h"
#include "cpu/pack.h"

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
  static constexpr uint32_t kRowBlock = 96;
  static constexpr uint32_t kMaxPanels = 8;

  struct Split {
    uint32_t row_blocks;
    uint32_t rows;  // of a block
    uint32_t column_blocks;
    uint32_t panels;  // of a block
  };

  // Rows and panels of one task.
  struct Task {
    RowRange rows;
    uint32_t first_panel;
    uint32_t panels;
  };

  // Only decides who computes what: results do not depend on it.
  static Split split_work(const GemmArgs& args, uint32_t units, size_t panel_bytes) {
    Split split;
    const uint32_t rows = args.rows.size();
    split.row_blocks = (rows + kRowBlock - 1) / kRowBlock;
    split.rows = (rows + split.row_blocks - 1) / split.row_blocks;
    const uint32_t panels = (args.weight.out + kPanelColumns - 1) / kPanelColumns;
    // A panel streams at about 30 bytes a nanosecond, or computes at about 300 flops.
    const double stream_ns = static_cast<double>(panel_bytes) / 30;
    const double flops = 2.0 * kPanelColumns * args.weight.in;
    const double compute_ns = flops * split.rows / 300;
    const double panel_ns = stream_ns > compute_ns ? stream_ns : compute_ns;
    uint32_t per_task = 1;
    while (per_task < kMaxPanels && per_task * panel_ns < kTaskNs) ++per_task;
    // Larger blocks reuse activations, as long as every unit still gets several tasks.
    const uint32_t tasks_wanted = 4 * units;
    while (per_task < kMaxPanels && split.row_blocks * panels / (per_task + 1) >= tasks_wanted) {
      ++per_task;
    }
    split.panels = per_task;
    split.column_blocks = (panels + per_task - 1) / per_task;
    return split;
  }

  // Row blocks of the same columns follow each other: they share the weights in cache.
  static Task task_of(const GemmArgs& args, const Split& split, uint32_t index) {
    const uint32_t first_row = args.rows.begin + index % split.row_blocks * split.rows;
    if (first_row >= args.rows.end) return {{0, 0}, 0, 0};
    const uint32_t left = args.rows.end - first_row;
    const uint32_t all_panels = (args.weight.out + kPanelColumns - 1) / kPanelColumns;
    const uint32_t first_panel = index / split.row_blocks * split.panels;
    const uint32_t panels_left = all_panels - first_panel;
    return {{first_row, first_row + (left < split.rows ? left : split.rows)},
            first_panel,
            panels_left < split.panels ? panels_left : split.panels};
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
  static constexpr size_t kPairBlock = V::kPairDot ? 512 : 256;
  static constexpr size_t kPairSize = Tile<V>::kPairSize;
  static constexpr size_t kWideSize = V::kPairDot ? 1 : kRowBlock * kPairBlock * kPairSize;
  static constexpr double kTaskNs = 20e3;  // shorter tasks would drown in claiming them

  struct Scratch {
    alignas(64) float sums[kRowBlock * kMaxPanels * kPanelColumns];
    alignas(64) A wide[kWideSize];  // [rows, block of the reduced dimension], widened
  };

  static void run_task(const GemmArgs& args, const Task& task, std::byte* memory) {
    auto& scratch = *reinterpret_cast<Scratch*>(memory);
    const uint32_t rows = task.rows.size();
    const uint32_t panels = task.panels;
    const size_t pairs = pairs_of(args.weight.in);
    // A single tile of rows passes over the weights once: nothing to keep in cache.
    const size_t step = V::kPairDot && rows <= V::kTileRows ? pairs : kPairBlock;
    Tile<V> tile;
    tile.ldc = size_t{panels} * kPanelColumns;
    tile.b_stride = kPanelColumns;
    for (size_t k = 0; k < pairs; k += step) {
      tile.pairs = pairs - k < step ? pairs - k : step;
      tile.accumulate = k > 0;
      set_input(args, task.rows, k, scratch, tile);
      const auto* weights = static_cast<const uint32_t*>(args.weight.data) + k * kPanelColumns;
      for (uint32_t p = 0; p < panels; ++p) {
        tile.half[0] = weights + (task.first_panel + p) * panel_words(args.weight.in);
        tile.half[1] = tile.half[0] + 16;
        tile.c = scratch.sums + p * kPanelColumns;
        multiply<V>(tile, rows);
      }
    }
    for (uint32_t r = 0; r < rows; ++r) {
      finish_row(args, task.rows.begin + r, task.first_panel * kPanelColumns,
                 panels * kPanelColumns, scratch.sums + r * tile.ldc);
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
      tile.lda = kPairBlock * kPairSize;
      for (uint32_t r = 0; r < rows.end - rows.begin; ++r) {
        widen<V>(a + size_t{r} * in, static_cast<uint32_t>(2 * tile.pairs),
                 scratch.wide + r * tile.lda);
      }
    }
  }
};

}  // namespace nf::cpu
