// Which tiles of prefill rows a block finds, in which order: see attention_work.h. Only this
// decides who computes what.
#pragma once

#include <algorithm>

#include "cuda/attention_work.h"
#include "cuda/kernels/attention_tile.h"

namespace nf::cuda {

// Rows of one sequence and a query head.
struct PrefillTile {
  RowRange rows;       // of the step: those that the launch has
  uint32_t first_row;  // of the step: row 0 of the tile
  uint32_t position;   // of row 0
  uint32_t head;
  uint32_t kv_head;
  uint32_t begin, end;  // the tokens that any of its rows attends
  const uint32_t* pages;

  // Rows counted from row 0.
  __device__ bool has(uint32_t row) const { return overlaps(row, row + 1); }
  __device__ bool overlaps(uint32_t from, uint32_t to) const {
    return first_row + from < rows.end && first_row + to > rows.begin;
  }
};

// The tiles that the launch's rows reach into, the last of a sequence first because its context is
// longest, times query heads. Blocks take them in turns, forwards and backwards.
class PrefillWork {
 public:
  __device__ explicit PrefillWork(const AttentionInput& input)
      : input_(input),
        first_sequence_(input.batch.row_sequence[input.args.rows.begin]),
        last_sequence_(input.batch.row_sequence[input.args.rows.end - 1]),
        first_tile_(tile_of(first_sequence_, input.args.rows.begin)),
        end_tile_(tile_of(last_sequence_, input.args.rows.end - 1) + 1) {}

  // Does this block have something to do in a turn?
  __device__ bool has(uint32_t turn) const { return index(turn) < count(); }

  __device__ PrefillTile at(uint32_t turn) const {
    const Batch& batch = input_.batch;
    PrefillTile tile;
    tile.head = index(turn) % input_.args.num_heads;
    tile.kv_head = tile.head / input_.group();
    const uint32_t number = end_tile_ - 1 - index(turn) / input_.args.num_heads;
    const uint32_t s = find_run(batch.first_tile, first_sequence_, last_sequence_ + 1, number);
    const uint32_t before = (number - batch.first_tile[s]) * kTileRows;  // rows of the sequence
    tile.first_row = batch.first_row[s] + before;
    tile.position = batch.sequences[s].position + before;
    const uint32_t count = min(kTileRows, batch.sequences[s].row_count - before);
    tile.rows = {max(tile.first_row, input_.args.rows.begin),
                 min(tile.first_row + count, input_.args.rows.end)};
    tile.begin = input_.args.first_visible(tile.position + tile.rows.begin - tile.first_row);
    tile.end = tile.position + tile.rows.end - tile.first_row;
    tile.pages = batch.pages + batch.sequences[s].page_begin;
    return tile;
  }

 private:
  __device__ uint32_t count() const { return (end_tile_ - first_tile_) * input_.args.num_heads; }
  __device__ uint32_t index(uint32_t turn) const {
    return turn * gridDim.x + (turn % 2 == 0 ? blockIdx.x : gridDim.x - 1 - blockIdx.x);
  }
  __device__ uint32_t tile_of(uint32_t sequence, uint32_t row) const {
    return input_.batch.first_tile[sequence] + (row - input_.batch.first_row[sequence]) / kTileRows;
  }

  const AttentionInput& input_;
  uint32_t first_sequence_, last_sequence_;
  uint32_t first_tile_, end_tile_;
};

// Blocks that a launch may find work for: each sequence has a tile that is not full, and the
// launch cuts two.
inline uint32_t most_prefill_blocks(const AttentionArgs& args) {
  const uint32_t rows = args.rows.size();
  return std::min(rows, rows / kTileRows + 1 + args.batch->num_sequences) * args.num_heads;
}

}  // namespace nf::cuda
