// Which work a block and a warp of decode attention find, in which order. Only this decides who
// computes what: see attention_work.h for the parts.
#pragma once

#include "cuda/attention_work.h"
#include "cuda/kernels/attention_tile.h"

namespace nf::cuda {

constexpr uint32_t kDecodeWarps = 4;
constexpr uint32_t kDecodeThreads = kDecodeWarps * kWarpSize;
constexpr uint32_t kTileHeads = 8;
constexpr uint32_t kChunkTiles = kChunkTokens / kTileTokens;
static_assert(kChunkTiles % kDecodeWarps == 0, "each warp has the same tiles in every chunk");

// What a block computes at a time.
struct DecodePart {
  uint32_t row;
  uint32_t place;  // in PartResults
  bool split;
  uint32_t kv_head;
  uint32_t first_head;  // of the query heads
  uint32_t heads;
  uint32_t begin, end;  // the tokens that the row attends
  uint32_t first_chunk, end_chunk;
  const uint32_t* pages;

  __device__ uint32_t first_tile(uint32_t chunk) const {
    return max(begin / kTileTokens, chunk * kChunkTiles);
  }
  __device__ uint32_t end_tile(uint32_t chunk) const {
    return min((end + kTileTokens - 1) / kTileTokens, (chunk + 1) * kChunkTiles);
  }
};

// The first tile of a warp that is not before `tile`.
__device__ inline uint32_t own_tile(uint32_t tile) {
  return tile + (warp_index() - tile) % kDecodeWarps;
}

// All parts of a launch, times kv heads, times tiles of query heads.
class DecodeWork {
 public:
  __device__ explicit DecodeWork(const AttentionInput& input)
      : input_(input),
        head_tiles_((input.group() + kTileHeads - 1) / kTileHeads),
        first_part_(input.batch.first_part[input.args.rows.begin]),
        parts_(input.batch.first_part[input.args.rows.end] - first_part_) {}

  __device__ uint32_t count() const { return parts_ * input_.layout.num_kv_heads * head_tiles_; }

  __device__ DecodePart at(uint32_t index) const {
    const Batch& batch = input_.batch;
    DecodePart part;
    const uint32_t head_tile = index % head_tiles_;
    index /= head_tiles_;
    part.kv_head = index % input_.layout.num_kv_heads;
    part.place = first_part_ + index / input_.layout.num_kv_heads;
    part.first_head = part.kv_head * input_.group() + head_tile * kTileHeads;
    part.heads = min(kTileHeads, (part.kv_head + 1) * input_.group() - part.first_head);
    part.row = find_run(batch.first_part, input_.args.rows.begin, input_.args.rows.end, part.place);
    const uint32_t first = batch.first_part[part.row];
    part.split = batch.first_part[part.row + 1] - first > 1;
    const uint32_t position = batch.row_position[part.row];
    part.begin = input_.args.first_visible(position);
    part.end = position + 1;
    const uint32_t chunk = part.split ? part.place - first : 0;
    part.first_chunk = max(chunk, part.begin / kChunkTokens);
    part.end_chunk = part.split ? chunk + 1 : num_chunks(part.end);
    part.pages = batch.pages + batch.sequences[batch.row_sequence[part.row]].page_begin;
    return part;
  }

 private:
  const AttentionInput& input_;
  uint32_t head_tiles_;
  uint32_t first_part_;
  uint32_t parts_;
};

// The half tiles that this warp reads, through all parts of its block. The entry of the page table
// that comes next is read when the one before it is used.
template <typename T>
class TileWalk {
 public:
  __device__ TileWalk(const AttentionInput& input, const DecodeWork& work)
      : input_(input), work_(work), item_(blockIdx.x) {}

  // Keys of a tile, then its values, then keys of the next; null when there is no more.
  __device__ const T* next() {
    if (values_ != nullptr) {
      const T* values = values_;
      values_ = nullptr;
      return values;
    }
    while (tile_ >= end_tile_) {
      if (item_ >= work_.count()) return nullptr;
      open(work_.at(item_));
      item_ += gridDim.x;
    }
    const T* keys = input_.tile<T>(page_, kv_head_, tile_);
    values_ = keys + input_.layout.half_tile();
    tile_ += kDecodeWarps;
    if (tile_ < end_tile_) page_ = pages_[tile_ / input_.layout.tiles()];
    return keys;
  }

 private:
  __device__ void open(const DecodePart& part) {
    if (part.first_chunk >= part.end_chunk) return;  // it lies before the window
    pages_ = part.pages;
    kv_head_ = part.kv_head;
    tile_ = own_tile(part.first_tile(part.first_chunk));
    end_tile_ = part.end_tile(part.end_chunk - 1);
    if (tile_ < end_tile_) page_ = pages_[tile_ / input_.layout.tiles()];
  }

  const AttentionInput& input_;
  const DecodeWork& work_;
  uint32_t item_;
  const uint32_t* pages_ = nullptr;
  uint32_t kv_head_ = 0;
  uint32_t tile_ = 0, end_tile_ = 0;
  uint32_t page_ = 0;  // of tile_
  const T* values_ = nullptr;
};

// Blocks that a launch may find work for.
inline uint32_t most_decode_blocks(const AttentionArgs& args) {
  const uint32_t group = args.num_heads / args.kv.num_kv_heads;
  return (args.rows.size() + kMaxSplitParts) * args.kv.num_kv_heads *
         ((group + kTileHeads - 1) / kTileHeads);
}

}  // namespace nf::cuda
