// Moves the parts of blocks to their places in a panel block, and back.
#include "cpu/block_pack.h"

#include "core/block_formats.h"
#include "core/check.h"
#include "cpu/pack.h"

namespace nf::cpu {
namespace {

// Where the parts of one column are in a panel block.
class Column {
 public:
  Column(std::byte* panel_block, uint32_t column) : next_(panel_block), column_(column) {}

  // The next part of the panel block: `count` values of type T for every column, 32 apart.
  template <typename T>
  T* part(uint32_t count) {
    T* values = reinterpret_cast<T*>(next_) + column_;
    next_ += size_t{count} * kPanelColumns * sizeof(T);
    return values;
  }

 private:
  std::byte* next_;
  uint32_t column_;
};

// Words of values of `kBits` each; see block_pack.h.
template <uint32_t kBits>
void write_words(const uint8_t* values, uint32_t count, uint32_t* words) {
  constexpr uint32_t kPerWord = 32 / kBits;
  for (uint32_t i = 0; i < count; i += kPerWord, words += kPanelColumns) {
    uint32_t word = 0;
    for (uint32_t k = 0; k < kPerWord; ++k) {
      word |= uint32_t{values[i + k]} << (k / 2 * kBits + k % 2 * 16);
    }
    *words = word;
  }
}

template <uint32_t kBits>
uint8_t read_word(const uint32_t* words, uint32_t index) {
  constexpr uint32_t kPerWord = 32 / kBits;
  const uint32_t k = index % kPerWord;
  const uint32_t word = words[index / kPerWord * kPanelColumns];
  return static_cast<uint8_t>(word >> (k / 2 * kBits + k % 2 * 16) & ((1u << kBits) - 1));
}

void put_q8_0(const BlockParts& parts, Column column) {
  *column.part<uint16_t>(1) = parts.scale;
  int8_t* values = column.part<int8_t>(32);
  for (uint32_t i = 0; i < 32; ++i) values[i * kPanelColumns] = parts.values[i];
}

void take_q8_0(Column column, BlockParts& parts) {
  parts.scale = *column.part<uint16_t>(1);
  parts.scales[0] = 1;
  const int8_t* values = column.part<int8_t>(32);
  for (uint32_t i = 0; i < 32; ++i) parts.values[i] = values[i * kPanelColumns];
}

void put_q4_0(const BlockParts& parts, Column column) {
  *column.part<uint16_t>(1) = parts.scale;
  uint8_t codes[32];
  for (uint32_t i = 0; i < 32; ++i) codes[i] = static_cast<uint8_t>(parts.values[i] + 8);
  write_words<4>(codes, 32, column.part<uint32_t>(4));
}

void take_q4_0(Column column, BlockParts& parts) {
  parts.scale = *column.part<uint16_t>(1);
  parts.scales[0] = 1;
  const uint32_t* words = column.part<uint32_t>(4);
  for (uint32_t i = 0; i < 32; ++i) {
    parts.values[i] = static_cast<int8_t>(read_word<4>(words, i) - 8);
  }
}

void put_q4_k(const BlockParts& parts, Column column) {
  *column.part<uint16_t>(1) = parts.scale;
  *column.part<uint16_t>(1) = parts.min;
  uint8_t* low = column.part<uint8_t>(8);
  uint8_t* high = column.part<uint8_t>(4);
  for (uint32_t sub = 0; sub < 8; ++sub) {
    const auto s = static_cast<uint32_t>(parts.scales[sub]);
    const uint32_t m = parts.mins[sub];
    low[sub * kPanelColumns] = static_cast<uint8_t>((s & 15) | (m & 15) << 4);
    uint8_t& pair = high[sub / 2 * kPanelColumns];
    const uint32_t bits = (s >> 4 | m >> 4 << 2) << (sub % 2 * 4);
    pair = static_cast<uint8_t>(sub % 2 == 0 ? bits : pair | bits);
  }
  uint8_t codes[kMaxBlock];
  for (uint32_t i = 0; i < kMaxBlock; ++i) codes[i] = static_cast<uint8_t>(parts.values[i]);
  write_words<4>(codes, kMaxBlock, column.part<uint32_t>(32));
}

void take_q4_k(Column column, BlockParts& parts) {
  parts.scale = *column.part<uint16_t>(1);
  parts.min = *column.part<uint16_t>(1);
  const uint8_t* low = column.part<uint8_t>(8);
  const uint8_t* high = column.part<uint8_t>(4);
  for (uint32_t sub = 0; sub < 8; ++sub) {
    const uint32_t bits = high[sub / 2 * kPanelColumns] >> (sub % 2 * 4);
    const uint32_t s = (low[sub * kPanelColumns] & 15) | (bits & 3) << 4;
    parts.scales[sub] = static_cast<int8_t>(s);
    parts.mins[sub] = static_cast<uint8_t>(low[sub * kPanelColumns] >> 4 | (bits >> 2 & 3) << 4);
  }
  const uint32_t* words = column.part<uint32_t>(32);
  for (uint32_t i = 0; i < kMaxBlock; ++i) {
    parts.values[i] = static_cast<int8_t>(read_word<4>(words, i));
  }
}

void put_q6_k(const BlockParts& parts, Column column) {
  *column.part<uint16_t>(1) = parts.scale;
  int8_t* scales = column.part<int8_t>(16);
  for (uint32_t sub = 0; sub < 16; ++sub) scales[sub * kPanelColumns] = parts.scales[sub];
  uint8_t low[kMaxBlock];
  uint8_t high[kMaxBlock];
  for (uint32_t i = 0; i < kMaxBlock; ++i) {
    low[i] = static_cast<uint8_t>((parts.values[i] + 32) & 15);
    high[i] = static_cast<uint8_t>((parts.values[i] + 32) >> 4);
  }
  write_words<4>(low, kMaxBlock, column.part<uint32_t>(32));
  write_words<2>(high, kMaxBlock, column.part<uint32_t>(16));
}

void take_q6_k(Column column, BlockParts& parts) {
  parts.scale = *column.part<uint16_t>(1);
  const int8_t* scales = column.part<int8_t>(16);
  for (uint32_t sub = 0; sub < 16; ++sub) parts.scales[sub] = scales[sub * kPanelColumns];
  const uint32_t* low = column.part<uint32_t>(32);
  const uint32_t* high = column.part<uint32_t>(16);
  for (uint32_t i = 0; i < kMaxBlock; ++i) {
    const int code = read_word<4>(low, i) | read_word<2>(high, i) << 4;
    parts.values[i] = static_cast<int8_t>(code - 32);
  }
}

struct Layout {
  DType dtype;
  void (*put)(const BlockParts& parts, Column column);
  void (*take)(Column column, BlockParts& parts);
};

constexpr Layout kLayouts[] = {{DType::kQ8_0, put_q8_0, take_q8_0},
                               {DType::kQ4_0, put_q4_0, take_q4_0},
                               {DType::kQ4_K, put_q4_k, take_q4_k},
                               {DType::kQ6_K, put_q6_k, take_q6_k}};
static_assert(sizeof(kLayouts) / sizeof(kLayouts[0]) + 1 == kNumWeightFormats);

const Layout& layout_of(DType format) {
  const Layout& layout = kLayouts[weight_format_index(format) - 1];
  NF_ASSERT(layout.dtype == format);
  return layout;
}

}  // namespace

size_t block_matrix_bytes(uint32_t out, uint32_t in, DType format) {
  NF_ASSERT(in % block_format(format).elements == 0);
  const size_t panels = (size_t{out} + kPanelColumns - 1) / kPanelColumns;
  return panels * block_panel_bytes(in, format);
}

void pack_block_matrix(const Backend::PackSpec& spec, const std::byte* source, std::byte* packed) {
  const BlockFormat& format = block_format(spec.dtype);
  const Layout& layout = layout_of(spec.dtype);
  BlockParts parts;
  for (uint32_t r = 0; r < spec.rows; ++r) {
    const uint32_t row = spec.target_row(r);
    std::byte* block = packed + row / kPanelColumns * block_panel_bytes(spec.in, spec.dtype);
    for (uint32_t i = 0; i < spec.in; i += format.elements) {
      split_block(spec.dtype, source, parts);
      layout.put(parts, Column(block, row % kPanelColumns));
      source += format.bytes;
      block += size_t{kPanelColumns} * format.bytes;
    }
  }
}

void unpack_block_row(const WeightView& weight, uint32_t row, float* out) {
  const BlockFormat& format = block_format(weight.format);
  const Layout& layout = layout_of(weight.format);
  auto* data = const_cast<std::byte*>(static_cast<const std::byte*>(weight.data));
  std::byte* block = data + row / kPanelColumns * block_panel_bytes(weight.in, weight.format);
  BlockParts parts{};
  for (uint32_t i = 0; i < weight.in; i += format.elements) {
    layout.take(Column(block, row % kPanelColumns), parts);
    join_block(weight.format, parts, out + i);
    block += size_t{kPanelColumns} * format.bytes;
  }
}

}  // namespace nf::cpu
