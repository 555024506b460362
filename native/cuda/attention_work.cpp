// Cuts the rows of a step into parts and tiles, on the host before the step runs.
#include "cuda/attention_work.h"

#include <algorithm>

namespace nf::cuda {
namespace {

bool is_padding(const Batch& batch, uint32_t row) { return batch.row_sequence[row] == kNoSequence; }

uint32_t chunks_of(const Batch& batch, uint32_t row) {
  return num_chunks(batch.row_position[row] + 1);
}

}  // namespace

void fill_parts(const Batch& batch, uint32_t num_kv_heads, uint32_t units, uint32_t* first_part) {
  uint64_t total = 0;
  for (uint32_t row = 0; row < batch.num_decode_rows; ++row) {
    if (!is_padding(batch, row)) total += chunks_of(batch, row);
  }
  const uint64_t limit = std::max<uint64_t>(1, total * num_kv_heads / (4 * uint64_t{units}));
  uint32_t parts = 0;
  for (uint32_t row = 0; row < batch.num_decode_rows; ++row) {
    first_part[row] = parts;
    if (is_padding(batch, row)) continue;
    const uint32_t chunks = chunks_of(batch, row);
    const bool split = chunks > limit && uint64_t{parts} + chunks <= kMaxSplitParts;
    parts += split ? chunks : 1;
  }
  first_part[batch.num_decode_rows] = parts;
}

void fill_tiles(const Batch& batch, uint32_t* first_tile) {
  uint32_t tiles = 0;
  for (uint32_t sequence = 0; sequence < batch.num_sequences; ++sequence) {
    first_tile[sequence] = tiles;
    if (batch.first_row[sequence] < batch.num_decode_rows) continue;
    tiles += num_tiles(batch.sequences[sequence].row_count);
  }
  first_tile[batch.num_sequences] = tiles;
}

}  // namespace nf::cuda
