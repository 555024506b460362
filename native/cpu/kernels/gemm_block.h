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

// Panels [first, first + count) of a packed matrix: columns, of which the last may be padding. Of a
// matrix [gate | up] the same ones of its second half too.
struct Panels {
  uint32_t first = 0;
  uint32_t count = 0;
  uint32_t half = 0;  // panels of the first half; 0: the matrix has no halves

  uint32_t column() const { return first * kPanelColumns; }
  uint32_t columns() const { return count * kPanelColumns; }
  uint32_t in_all() const { return half == 0 ? count : 2 * count; }
  uint32_t at(uint32_t index) const {
    return index < count ? first + index : half + first + index - count;
  }
};

template <typename V>
class GemmBlock {
 public:
  static constexpr uint32_t kRows = 96;
  static constexpr uint32_t kMaxPanels = 8;
  static constexpr size_t kPairs = V::kPairDot ? 512 : 256;  // of the reduced dimension
  // From one row of a block's activations to the next. Rows of the model's own width would often
  // meet in few sets of the cache.
  static constexpr size_t kPitch = kPairs * Tile<V>::kPairSize + 16;
  static constexpr size_t kInputSize = kRows * kPitch;

  using Sums = float[kRows * kMaxPanels * kPanelColumns];

  // How many blocks of at most kRows rows there are, and how many rows in all.
  struct RowBlocks {
    uint32_t count;
    uint32_t rows;
  };

  // A matrix as tasks take it: panels, or pairs of panels of its two halves.
  struct Columns {
    uint32_t in;
    uint32_t panels;  // of a half
    bool halves;
    size_t panel_bytes;

    uint32_t together() const { return halves ? 2 : 1; }
  };

  static Columns columns_of(const WeightView& weight, bool halves, size_t panel_bytes) {
    const uint32_t panels = (weight.out + kPanelColumns - 1) / kPanelColumns;
    return {weight.in, halves ? panels / 2 : panels, halves, panel_bytes};
  }

  struct Split {
    uint32_t row_blocks;
    uint32_t rows;  // of a block; of several experts: of an average one
    uint32_t column_blocks;
    uint32_t panels;  // of a block
  };

  // Only decides who computes what: results do not depend on it.
  static Split split_work(const Columns& columns, RowBlocks blocks, uint32_t units) {
    const uint32_t rows = (blocks.rows + blocks.count - 1) / blocks.count;
    const uint32_t panels = columns.panels;
    // A panel streams at about 30 bytes a nanosecond, or computes at about 400 flops.
    const double stream_ns = static_cast<double>(columns.panel_bytes) / 30;
    const double compute_ns = 2.0 * kPanelColumns * columns.in * rows / 400;
    const double panel_ns = columns.together() * (stream_ns > compute_ns ? stream_ns : compute_ns);
    const double task_ns = kClaimNs + 2.0 * columns.in * rows / 60;  // to copy the activations
    // Units that take equally many tasks are through at the same time; if one is late, it is by a
    // part of a task.
    uint32_t per_task = 1;
    double least_ns = 1e300;
    for (uint32_t count = 1; count <= kMaxPanels / columns.together() && count <= panels; ++count) {
      const uint32_t tasks = blocks.count * ((panels + count - 1) / count);
      const double one_ns = task_ns + count * panel_ns;
      const double ns = ((tasks + units - 1) / units + kLate) * one_ns;
      if (ns < least_ns) {
        least_ns = ns;
        per_task = count;
      }
    }
    return {blocks.count, rows, (panels + per_task - 1) / per_task, per_task};
  }

  static Panels panels_of(const Columns& columns, const Split& split, uint32_t column_block) {
    const uint32_t first = column_block * split.panels;
    const uint32_t left = columns.panels - first;
    return {first, left < split.panels ? left : split.panels, columns.halves ? columns.panels : 0};
  }

  // The sums of `rows` rows and some panels, [rows, panels.in_all() * 32]. input(k, tile) points
  // the tile at columns [2k, 2k + 2 * tile.pairs) of the rows' activations; tile.pairs is at most
  // `step`.
  template <typename Input>
  static void multiply_block(const WeightView& weight, Panels panels, uint32_t rows, size_t step,
                             Sums& sums, Input&& input) {
    const size_t pairs = pairs_of(weight.in);
    Tile<V> tile;
    tile.ldc = panels.in_all() * kPanelColumns;
    tile.b_stride = kPanelColumns;
    for (size_t k = 0; k < pairs; k += step) {
      tile.pairs = pairs - k < step ? pairs - k : step;
      tile.accumulate = k > 0;
      input(k, tile);
      const auto* weights = static_cast<const uint32_t*>(weight.data) + k * kPanelColumns;
      const uint32_t* first = weights + panels.at(0) * panel_words(weight.in);
      for (uint32_t p = 0; p < panels.in_all(); ++p) {
        tile.half[0] = weights + panels.at(p) * panel_words(weight.in);
        tile.half[1] = tile.half[0] + 16;
        // Where several tiles pass over a panel, memory brings the next one meanwhile.
        const uint32_t* next = p + 1 < panels.in_all()
                                   ? weights + panels.at(p + 1) * panel_words(weight.in)
                                   : first + tile.pairs * kPanelColumns;
        const uint32_t* ahead = rows > V::kTileRows ? next : tile.half[0] + kPrefetchWords;
        tile.ahead = {{ahead, ahead + 16}, kPanelColumns};
        tile.c = sums + p * kPanelColumns;
        multiply<V>(tile, rows);
      }
    }
  }

 private:
  static constexpr double kClaimNs = 500;  // to claim a task and store its sums
  static constexpr double kLate = 0.5;
};

}  // namespace nf::cpu
