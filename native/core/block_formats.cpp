// Taking blocks apart, and the one rule by which elements are computed.
#include "block_formats.h"

#include <algorithm>
#include <cstring>

#include "check.h"

namespace nf {

namespace {

template <typename Block>
Block load_block(const void* bytes) {
  Block block;
  std::memcpy(&block, bytes, sizeof(block));
  return block;
}

void split(const Q8_0Block& block, BlockParts& parts) {
  parts.scale = block.scale;
  parts.scales[0] = 1;
  std::copy(std::begin(block.values), std::end(block.values), parts.values);
}

void split(const Q4_0Block& block, BlockParts& parts) {
  parts.scale = block.scale;
  parts.scales[0] = 1;
  for (uint32_t i = 0; i < 16; ++i) {
    parts.values[i] = static_cast<int8_t>((block.values[i] & 15) - 8);
    parts.values[i + 16] = static_cast<int8_t>((block.values[i] >> 4) - 8);
  }
}

// Bytes 0 to 3 hold s of the sub-blocks 0 to 3, bytes 4 to 7 their m, in 6 bits. Of the others
// bytes 8 to 11 hold the low 4 bits of s and m; the high 2 are the top bits of bytes 0 to 7.
void split(const Q4_KBlock& block, BlockParts& parts) {
  parts.scale = block.scale;
  parts.min = block.min;
  const uint8_t* bytes = block.scales;
  for (uint32_t i = 0; i < 4; ++i) {
    parts.scales[i] = static_cast<int8_t>(bytes[i] & 63);
    parts.mins[i] = bytes[i + 4] & 63;
    parts.scales[i + 4] = static_cast<int8_t>((bytes[i + 8] & 15) | (bytes[i] >> 6 << 4));
    parts.mins[i + 4] = static_cast<uint8_t>((bytes[i + 8] >> 4) | (bytes[i + 4] >> 6 << 4));
  }
  for (uint32_t i = 0; i < 128; ++i) {
    const uint32_t first = i / 32 * 64 + i % 32;
    parts.values[first] = static_cast<int8_t>(block.values[i] & 15);
    parts.values[first + 32] = static_cast<int8_t>(block.values[i] >> 4);
  }
}

void split(const Q6_KBlock& block, BlockParts& parts) {
  parts.scale = block.scale;
  std::copy(std::begin(block.scales), std::end(block.scales), parts.scales);
  for (uint32_t i = 0; i < kMaxBlock; ++i) {
    const uint32_t half = i / 128;
    const uint32_t low = block.low[half * 64 + i % 64] >> (i % 128 / 64 * 4) & 15;
    const uint32_t high = block.high[half * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
    parts.values[i] = static_cast<int8_t>((low | high << 4) - 32);
  }
}

}  // namespace

void split_block(DType dtype, const void* block, BlockParts& parts) {
  parts = {};
  switch (dtype) {
    case DType::kQ8_0:
      return split(load_block<Q8_0Block>(block), parts);
    case DType::kQ4_0:
      return split(load_block<Q4_0Block>(block), parts);
    case DType::kQ4_K:
      return split(load_block<Q4_KBlock>(block), parts);
    case DType::kQ6_K:
      return split(load_block<Q6_KBlock>(block), parts);
    default:
      NF_ASSERT(!"not a block format");
  }
}

void join_block(DType dtype, const BlockParts& parts, float* out) {
  const BlockFormat& format = block_format(dtype);
  const float block_scale = half_to_float(parts.scale);
  const float block_min = half_to_float(parts.min);
  for (uint32_t sub = 0; sub < format.elements / format.sub_elements; ++sub) {
    const float scale = block_scale * static_cast<float>(parts.scales[sub]);
    const float min = format.has_min ? block_min * static_cast<float>(parts.mins[sub]) : 0.0f;
    for (uint32_t i = sub * format.sub_elements; i < (sub + 1) * format.sub_elements; ++i) {
      const float product = scale * static_cast<float>(parts.values[i]);
      out[i] = format.has_min ? product - min : product;
    }
  }
}

}  // namespace nf
