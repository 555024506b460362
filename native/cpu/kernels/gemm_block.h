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

// Panels [first, first + count) of a packed matrix: columns, of which the last may be padding.
struct Panels {
  uint32_t first = 0;
  uint32_t count = 0;

  uint32_t column() const { return first * kPanelColumns; }
  uint32_t columns() const { return count * kPanelColumns; }
};

template <typename V>
class GemmBlock {
 public:
  static constexpr uint32_t kRows = 96;
  static constexpr uint32_t kMaxPanels = 8;
  static constexpr size_t kPairs = V::kPairDot ? 512 : 256;  // of the reduced dimension
  static constexpr size_t kInputSize = kRows * kPairs * Tile<V>::kPairSize;

  using Sums = float[kRows * kMaxPanels * kPanelColumns];

  // How many blocks of at most kRows rows there are, and how many rows in all.
  struct RowBlocks {
    uint32_t count;
    uint32_t rows;
  };

  struct Split {
    uint32_t row_blocks;
    uint32_t rows;  // of a block; of several experts: of an average one
    uint32_t column_blocks;
    uint32_t panels;  // of a block
  };

  // Only decides who computes what: results do not depend on it.
  static Split split_work(const WeightView& weight, RowBlocks blocks, size_t panel_bytes,
                          uint32_t units) {
    const uint32_t rows = (blocks.rows + blocks.count - 1) / blocks.count;
    const uint32_t panels = num_panels(weight);
    // A panel streams at about 30 bytes a nanosecond, or computes at about 300 flops.
    const double stream_ns = static_cast<double>(panel_bytes) / 30;
    const double flops = 2.0 * kPanelColumns * weight.in;
    const double compute_ns = flops * rows / 300;
    const double panel_ns = stream_ns > compute_ns ? stream_ns : compute_ns;
    uint32_t per_task = 1;
    while (per_task < kMaxPanels && per_task * panel_ns < kTaskNs) ++per_task;
    // Larger blocks reuse activations, as long as every unit still gets several tasks.
    const uint32_t tasks_wanted = 4 * units;
    while (per_task < kMaxPanels && blocks.count * panels / (per_task + 1) >= tasks_wanted) {
      ++per_task;
    }
    return {blocks.count, rows, (panels + per_task - 1) / per_task, per_task};
  }

  static Panels panels_of(const WeightView& weight, const Split& split, uint32_t column_block) {
    const uint32_t first = column_block * split.panels;
    const uint32_t left = num_panels(weight) - first;
    return {first, left < split.panels ? left : split.panels};
  }

  // The sums of `rows` rows and some panels, [rows, panels.columns()]. input(k, tile) points the
  // tile at columns [2k, 2k + 2 * tile.pairs) of the rows' activations; tile.pairs is at most
  // `step`.
  template <typename Input>
  static void multiply_block(const WeightView& weight, Panels panels, uint32_t rows, size_t step,
                             Sums& sums, Input&& input) {
    const size_t pairs = pairs_of(weight.in);
    Tile<V> tile;
    tile.ldc = panels.columns();
    tile.b_stride = kPanelColumns;
    for (size_t k = 0; k < pairs; k += step) {
      tile.pairs = pairs - k < step ? pairs - k : step;
      tile.accumulate = k > 0;
      input(k, tile);
      const auto* weights = static_cast<const uint32_t*>(weight.data) + k * kPanelColumns;
      for (uint32_t p = 0; p < panels.count; ++p) {
        tile.half[0] = weights + (panels.first + p) * panel_words(weight.in);
        tile.half[1] = tile.half[0] + 16;
        tile.c = sums + p * kPanelColumns;
        multiply<V>(tile, rows);
      }
    }
  }

 private:
  static constexpr double kTaskNs = 20e3;  // shorter tasks would drown in claiming them

  static uint32_t num_panels(const WeightView& weight) {
    return (weight.out + kPanelColumns - 1) / kPanelColumns;
  }
};

}  // namespace nf::cpu
