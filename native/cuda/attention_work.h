// How attention is cut into pieces of work. The cuts are at fixed absolute positions, so that who
// computes a piece changes no bit of a result.
//
// Decode: a row's context is a run of chunks of kChunkTokens. A block computes a part: all chunks
// of a row and kv head one after the other, or a single one. Each chunk has its own online softmax;
// chunks are merged in ascending order by the same arithmetic, in registers or by a second kernel
// that reads them back from scratch.
//
// Prefill: the rows that a sequence has in a step are cut into tiles of kTileRows.
#pragma once

#include <cstdint>

#include "core/batch.h"
#include "core/host_device.h"

namespace nf::cuda {

constexpr uint32_t kChunkTokens = 256;
// Chunks that have a place in scratch: the parts of rows that are split.
constexpr uint32_t kMaxSplitParts = 2048;
constexpr uint32_t kTileRows = 128;

// Batch::first_part counts parts: a row that is not split is one part, another one has a part for
// each chunk. A padding row has none. Part p of a split row has place p in scratch, so p is less
// than kMaxSplitParts there.
NF_HOST_DEVICE constexpr uint32_t num_chunks(uint32_t context) {
  return (context + kChunkTokens - 1) / kChunkTokens;
}

NF_HOST_DEVICE constexpr uint32_t num_tiles(uint32_t rows) {
  return (rows + kTileRows - 1) / kTileRows;
}

// Cuts the rows of a batch whose pointers are the host's.
//
// Fills first_part [num_decode_rows + 1]. A row is split where it has more chunks than a fourth of
// what a unit gets on average, as long as its parts have places in scratch.
void fill_parts(const Batch& batch, uint32_t num_kv_heads, uint32_t units, uint32_t* first_part);
// Fills first_tile [num_sequences + 1]. Decode sequences have no tiles.
void fill_tiles(const Batch& batch, uint32_t* first_tile);

}  // namespace nf::cuda
