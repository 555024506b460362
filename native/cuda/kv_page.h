// Bytes inside a KV page of one layer on a CUDA device. Made so that a plain copy of contiguous
// bytes into shared memory is what tensor cores read: rows of 128 bytes whose 16-byte chunks are
// swizzled as ldmatrix and wgmma (128-byte swizzle) want them.
//
//   page  [kv head][tile of 16 tokens][keys, values][column block of 64][16 tokens][64]
//
// Columns are the dimensions of a head, padded with zeros to a multiple of 64 (pages start zeroed,
// and the padding is never written). The 16-byte chunk c (8 elements) of a row stands at c ^ (token
// % 8). Keys and values of a tile are contiguous.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/host_device.h"

namespace nf::cuda {

constexpr uint32_t kTileTokens = 16;
constexpr uint32_t kBlockColumns = 64;
constexpr uint32_t kMaxHeadDim = 256;
constexpr uint32_t kBlockElements = kTileTokens * kBlockColumns;  // of one column block of a tile

struct KvPage {
  uint32_t page_tokens;  // a multiple of kTileTokens
  uint32_t num_kv_heads;
  uint32_t head_dim;

  NF_HOST_DEVICE uint32_t column_blocks() const {
    return (head_dim + kBlockColumns - 1) / kBlockColumns;
  }
  NF_HOST_DEVICE uint32_t padded_dim() const { return column_blocks() * kBlockColumns; }
  // Elements of the keys (or of the values) of a tile, and of a tile.
  NF_HOST_DEVICE uint32_t half_tile() const { return column_blocks() * kBlockElements; }
  NF_HOST_DEVICE uint32_t tile() const { return 2 * half_tile(); }
  NF_HOST_DEVICE uint32_t tiles() const { return page_tokens / kTileTokens; }
  NF_HOST_DEVICE size_t elements() const { return size_t{num_kv_heads} * tiles() * tile(); }
  NF_HOST_DEVICE size_t bytes() const { return elements() * sizeof(uint16_t); }

  // Element offset of tile `tile_index` of a head: its keys; its values are half_tile() further.
  NF_HOST_DEVICE size_t tile_offset(uint32_t head, uint32_t tile_index) const {
    return (size_t{head} * tiles() + tile_index) * tile();
  }

  // Element offset of dimension `column` of a token within the keys or values of its tile.
  static NF_HOST_DEVICE uint32_t in_tile(uint32_t token_in_tile, uint32_t column) {
    const uint32_t chunk = (column % kBlockColumns / 8) ^ (token_in_tile % 8);
    return column / kBlockColumns * kBlockElements + token_in_tile * kBlockColumns + chunk * 8 +
           column % 8;
  }

  // Element offset of dimension `column` of the key of a token of the page; that of its value is
  // half_tile() further.
  NF_HOST_DEVICE size_t key(uint32_t head, uint32_t token, uint32_t column) const {
    return tile_offset(head, token / kTileTokens) + in_tile(token % kTileTokens, column);
  }
};

}  // namespace nf::cuda
