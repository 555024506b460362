// What all GEMMs over packed weights share: how work is cut into tasks, and one task's sums.
//
// A task is a block of rows times a few panels of 32 columns. Inside it the reduced dimension goes
// in blocks, so that a panel's block (32 or 64 KiB) stays in the nearest caches while all row tiles
// pass over it; partial sums rest as fp32 in scratch, which is exact.
#pragma once

#include "core/tensor.h"
#include "cpu/kernels/tile.h"
#include "cpu/pack.h"

namespace nf::cpu {

template <typename V>
class GemmBlock {
 public:
  static constexpr uint32_t kRows = 96;
  static constexpr uint32_t kMaxPanels = 8;
  static constexpr size_t kPairs = V::kPairDot ? 512 : 256;  // of the reduced dimension
  static constexpr size_t kInputSize = kRows * kPairs * Tile<V>::kPairSize;

  using Sums = float[kRows * kMaxPanels * kPanelColumns];

  struct Split {
    uint32_t row_blocks;
    uint32_t column_blocks;
    uint32_t panels;  // of a block
  };

  // Columns of the result: [first, first + count), of which the last may be padding.
  struct Columns {
    uint32_t first;
    uint32_t count;
  };

  // For `row_blocks` blocks of about `rows` rows each. Only decides who computes what: results do
  // not depend on it.
  static Split split_work(uint32_t row_blocks, uint32_t rows, const WeightView& weight,
                          uint32_t units) {
    const uint32_t panels = panels_of(weight);
    // A panel streams at about 30 bytes a nanosecond, or computes at about 300 flops.
    const double words = static_cast<double>(panel_words(weight.in));
    const double stream_ns = words * 4 / 30;
    const double compute_ns = words * 4 * rows / 300;
    const double panel_ns = stream_ns > compute_ns ? stream_ns : compute_ns;
    uint32_t per_task = 1;
    while (per_task < kMaxPanels && per_task * panel_ns < kTaskNs) ++per_task;
    // Larger blocks reuse activations, as long as every unit still gets several tasks.
    const uint32_t tasks_wanted = 4 * units;
    while (per_task < kMaxPanels && row_blocks * panels / (per_task + 1) >= tasks_wanted) {
      ++per_task;
    }
    return {row_blocks, (panels + per_task - 1) / per_task, per_task};
  }

  static Columns columns_of(const WeightView& weight, const Split& split, uint32_t column_block) {
    const uint32_t first = column_block * split.panels;
    const uint32_t left = panels_of(weight) - first;
    return {first * kPanelColumns, (left < split.panels ? left : split.panels) * kPanelColumns};
  }

  // The sums of `rows` rows and some columns, [rows, columns.count]. input(k, tile) points the tile
  // at columns [2k, 2k + 2 * tile.pairs) of the rows' activations; tile.pairs is at most `step`.
  template <typename Input>
  static void multiply_block(const WeightView& weight, Columns columns, uint32_t rows, size_t step,
                             Sums& sums, Input&& input) {
    const size_t pairs = pairs_of(weight.in);
    Tile<V> tile;
    tile.ldc = columns.count;
    tile.b_stride = kPanelColumns;
    for (size_t k = 0; k < pairs; k += step) {
      tile.pairs = pairs - k < step ? pairs - k : step;
      tile.accumulate = k > 0;
      input(k, tile);
      const auto* weights = static_cast<const uint32_t*>(weight.data) + k * kPanelColumns;
      for (uint32_t p = 0; p < columns.count / kPanelColumns; ++p) {
        tile.half[0] = weights + (columns.first / kPanelColumns + p) * panel_words(weight.in);
        tile.half[1] = tile.half[0] + 16;
        tile.c = sums + p * kPanelColumns;
        multiply<V>(tile, rows);
      }
    }
  }

 private:
  static constexpr double kTaskNs = 20e3;  // shorter tasks would drown in claiming them

  static uint32_t panels_of(const WeightView& weight) {
    return (weight.out + kPanelColumns - 1) / kPanelColumns;
  }
};

}  // namespace nf::cpu
