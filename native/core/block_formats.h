// The block formats of GGUF files, byte by byte, and what their numbers mean.
//
// A block is a run of 32 or 256 elements of a matrix row, cut into sub-blocks of 16 or 32. An
// element is a small integer q times the scale of its sub-block, less the sub-block's minimum:
//
//   w = scale * q - min,  scale = half(block.scale) * s,  min = half(block.min) * m
//
// with integers s and m. Only Q4_K has minimums. Products of these integers with a half are exact
// in fp32. This file is the only place that knows the rules; backends store the parts as they like.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor.h"

namespace nf {

// Numbers from files are little endian, as this machine's are; fp16 is kept as its bits.
struct Q8_0Block {
  uint16_t scale;
  int8_t values[32];
};
struct Q4_0Block {
  uint16_t scale;
  uint8_t values[16];  // elements i and i + 16, low bits first; q is the value less 8
};
struct Q4_KBlock {
  uint16_t scale;
  uint16_t min;
  uint8_t scales[12];   // 8 pairs (s, m) of 6 bits
  uint8_t values[128];  // of each 64 elements: i and i + 32, low bits first
};
struct Q6_KBlock {
  uint8_t low[128];  // low 4 bits; of each 128 elements: i and i + 64, low bits first
  uint8_t high[64];  // high 2 bits; of each 128 elements: i, i + 32, i + 64, i + 96
  int8_t scales[16];
  uint16_t scale;  // q is the 6-bit value less 32
};
static_assert(sizeof(Q8_0Block) == 34 && sizeof(Q4_0Block) == 18);
static_assert(sizeof(Q4_KBlock) == 144 && sizeof(Q6_KBlock) == 210);

constexpr uint32_t kMaxBlock = 256;  // elements
constexpr uint32_t kMaxSubBlocks = 16;

struct BlockFormat {
  DType dtype;
  const char* name;
  uint32_t elements;  // of a block
  uint32_t sub_elements;
  uint32_t bytes;
  bool has_min;
};

constexpr BlockFormat kBlockFormats[] = {
    {DType::kQ8_0, "q8_0", 32, 32, sizeof(Q8_0Block), false},
    {DType::kQ4_0, "q4_0", 32, 32, sizeof(Q4_0Block), false},
    {DType::kQ4_K, "q4_k", 256, 32, sizeof(Q4_KBlock), true},
    {DType::kQ6_K, "q6_k", 256, 16, sizeof(Q6_KBlock), false},
};

// Matrices are packed in one of these many formats: plain, or one of the above.
constexpr size_t kNumWeightFormats = 1 + sizeof(kBlockFormats) / sizeof(kBlockFormats[0]);

// 0 for plain and for int8, of which a weight has one or the other; otherwise 1 + the index in
// kBlockFormats.
constexpr size_t weight_format_index(DType dtype) {
  return dtype < DType::kQ8_0 ? 0 : 1 + static_cast<size_t>(dtype) - size_t{16};
}

constexpr bool is_block_format(DType dtype) {
  return dtype >= DType::kQ8_0 && weight_format_index(dtype) < kNumWeightFormats;
}

constexpr const BlockFormat& block_format(DType dtype) {
  return kBlockFormats[weight_format_index(dtype) - 1];
}

// Bytes of a stored row or matrix; `elements` is a multiple of the block.
constexpr uint64_t stored_bytes(DType dtype, uint64_t elements) {
  if (!is_block_format(dtype)) return elements * size_of(dtype);
  return elements / block_format(dtype).elements * block_format(dtype).bytes;
}

// A block taken apart.
struct BlockParts {
  uint16_t scale;  // fp16
  uint16_t min;    // fp16; 0 where the format has none
  int8_t scales[kMaxSubBlocks];
  uint8_t mins[kMaxSubBlocks];
  int8_t values[kMaxBlock];
};

// `block` may be unaligned.
void split_block(DType dtype, const void* block, BlockParts& parts);

// The elements of a block, as fp32.
void join_block(DType dtype, const BlockParts& parts, float* out);

inline void dequantize_block(DType dtype, const void* block, float* out) {
  BlockParts parts;
  split_block(dtype, block, parts);
  join_block(dtype, parts, out);
}

}  // namespace nf
