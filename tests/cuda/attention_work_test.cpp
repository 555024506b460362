// How rows are cut into parts and tiles on the host.
#include "cuda/attention_work.h"

#include <vector>

#include "check.h"

using namespace nf::cuda;

namespace {

// The parts of decode rows of so many tokens each; 0: a padding row.
std::vector<uint32_t> parts_of(const std::vector<uint32_t>& contexts, uint32_t num_kv_heads,
                               uint32_t units) {
  std::vector<uint32_t> sequences, positions;
  for (const uint32_t context : contexts) {
    sequences.push_back(context == 0 ? nf::kNoSequence : uint32_t(sequences.size()));
    positions.push_back(context == 0 ? 0 : context - 1);
  }
  nf::Batch batch;
  batch.num_decode_rows = uint32_t(contexts.size());
  batch.row_sequence = sequences.data();
  batch.row_position = positions.data();
  std::vector<uint32_t> first(contexts.size() + 1, ~0u);
  fill_parts(batch, num_kv_heads, units, first.data());
  CHECK_EQ(first[0], 0u);
  std::vector<uint32_t> parts;
  for (size_t row = 0; row < contexts.size(); ++row) parts.push_back(first[row + 1] - first[row]);
  return parts;
}

using Parts = std::vector<uint32_t>;

}  // namespace

TEST("cuda: a row is split where it has more chunks than a fourth of a unit's share") {
  CHECK(parts_of({}, 1, 4) == Parts{});
  CHECK(parts_of({1, 256, 257, 1024}, 1, 1000) == Parts({1, 1, 2, 4}));
  CHECK(parts_of({1024}, 1, 1) == Parts({4}));
  // 16 chunks times 8 heads: a share of 32 for each of 4 units.
  CHECK(parts_of({1024, 1024, 1024, 1024}, 8, 4) == Parts({1, 1, 1, 1}));
  CHECK(parts_of({2048, 256, 256, 512, 1024}, 8, 4) == Parts({1, 1, 1, 1, 1}));
  CHECK(parts_of({2049, 256, 256, 512, 768}, 8, 4) == Parts({9, 1, 1, 1, 1}));
}

TEST("cuda: padding rows have no parts") {
  CHECK(parts_of({0, 300, 0, 0}, 1, 8) == Parts({0, 2, 0, 0}));
  CHECK(parts_of({0, 0}, 1, 8) == Parts({0, 0}));
}

TEST("cuda: rows are split as long as their parts have places") {
  const uint32_t half = kMaxSplitParts / 2 * kChunkTokens;
  CHECK(parts_of({half, half}, 1, 5000) == Parts({kMaxSplitParts / 2, kMaxSplitParts / 2}));
  CHECK(parts_of({half, 1, half, 512}, 1, 5000) == Parts({kMaxSplitParts / 2, 1, 1, 2}));
  CHECK(parts_of({2 * half}, 1, 5000) == Parts({kMaxSplitParts}));
  CHECK(parts_of({2 * half + 1}, 1, 5000) == Parts({1}));
}

TEST("cuda: decode sequences have no tiles") {
  const uint32_t first_row[] = {0, 1, 3, 131};
  nf_sequence sequences[4] = {};
  const uint32_t counts[] = {1, 1, 128, 129};  // row 2 is padding
  for (int i = 0; i < 4; ++i) sequences[i].row_count = counts[i];
  nf::Batch batch;
  batch.num_decode_rows = 3;
  batch.num_sequences = 4;
  batch.first_row = first_row;
  batch.sequences = sequences;
  uint32_t first[5];
  fill_tiles(batch, first);
  CHECK(std::vector<uint32_t>(first, first + 5) == std::vector<uint32_t>({0, 0, 0, 1, 3}));
}
