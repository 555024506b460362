// Packing of weights and the size of a KV page.
#include "cpu/pack.h"

#include <algorithm>
#include <cstring>

#include "core/block_formats.h"
#include "core/check.h"
#include "cpu/block_pack.h"
#include "cpu/int8_pack.h"
#include "cpu/kernels/kv_page.h"
#include "platform/parallel.h"

namespace nf::cpu {
namespace {

// Words of a column that are taken at a time: 32 columns of them stay in the nearest cache.
constexpr uint32_t kStageWords = 64;
constexpr uint32_t kPanelsPerTask = 4;
using Stage = uint32_t[kPanelColumns][kStageWords];

// Elements [first, first + 2 * words) of a source row of `size` elements, as pairs of bf16.
template <typename T, typename Round>
void round_pairs(const T* row, uint32_t size, uint32_t first, uint32_t words, Round round,
                 uint32_t* out) {
  for (uint32_t w = 0; w < words; ++w) {
    const uint32_t k = first + 2 * w;
    const uint32_t second = k + 1 < size ? round(row[k + 1]) : 0u;
    out[w] = round(row[k]) | second << 16;
  }
}

void load_pairs(const Backend::PackSpec& spec, const void* source, uint32_t row, uint32_t first,
                uint32_t words, uint32_t* out) {
  const size_t base = size_t{row} * spec.in;
  switch (spec.dtype) {
    case DType::kF32:
      return round_pairs(
          static_cast<const float*>(source) + base, spec.in, first, words,
          [](float x) { return uint32_t{to_bf16(x).bits}; }, out);
    case DType::kF16:
      return round_pairs(
          static_cast<const uint16_t*>(source) + base, spec.in, first, words,
          [](uint16_t x) { return uint32_t{to_bf16(half_to_float(x)).bits}; }, out);
    default: {
      NF_ASSERT(spec.dtype == DType::kBF16);
      const uint32_t elements = spec.in - first < 2 * words ? spec.in - first : 2 * words;
      out[words - 1] = 0;  // where the last pair has one element
      std::memcpy(out, static_cast<const uint16_t*>(source) + base + first,
                  elements * sizeof(uint16_t));
    }
  }
}

using Words = uint32_t __attribute__((vector_size(16)));

Words load_words(const uint32_t* p) {
  Words words;
  std::memcpy(&words, p, sizeof(words));
  return words;
}

void store_words(uint32_t* p, Words words) { std::memcpy(p, &words, sizeof(words)); }

// out[w][0 .. 4) = columns[0 .. 4)[w] for four w, with out kPanelColumns wide.
void transpose(const uint32_t* columns, uint32_t* out) {
  const Words a = load_words(columns);
  const Words b = load_words(columns + kStageWords);
  const Words c = load_words(columns + 2 * kStageWords);
  const Words d = load_words(columns + 3 * kStageWords);
  const Words ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Words ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Words cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Words cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store_words(out, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
  store_words(out + kPanelColumns, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
  store_words(out + 2 * kPanelColumns, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
  store_words(out + 3 * kPanelColumns, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

// Columns [begin, end) of the panel, of which others may belong to other parts of the matrix.
void pack_panel(const Backend::PackSpec& spec, const void* source, uint32_t panel, uint32_t begin,
                uint32_t end, uint32_t* packed) {
  Stage stage;
  for (uint32_t first = 0; first < spec.in; first += 2 * kStageWords) {
    const uint32_t pairs = (spec.in - first + 1) / 2;
    const uint32_t words = pairs < kStageWords ? pairs : kStageWords;
    for (uint32_t column = begin; column < end; ++column) {
      load_pairs(spec, source, spec.source_row(panel * kPanelColumns + column), first, words,
                 stage[column]);
    }
    uint32_t* out = packed + panel * panel_words(spec.in) + size_t{first / 2} * kPanelColumns;
    const bool whole = end - begin == kPanelColumns;
    const uint32_t fours = whole ? words / 4 * 4 : 0;
    for (uint32_t w = 0; w < fours; w += 4) {
      for (uint32_t column = 0; column < kPanelColumns; column += 4) {
        transpose(&stage[column][w], out + w * kPanelColumns + column);
      }
    }
    for (uint32_t w = fours; w < words; ++w) {
      for (uint32_t column = begin; column < end; ++column) {
        out[w * kPanelColumns + column] = stage[column][w];
      }
    }
  }
}

void pack_plain(const Backend::PackSpec& spec, const void* source, uint32_t* packed,
                uint32_t threads) {
  const uint32_t last = spec.first_out + spec.rows;
  const uint32_t first_panel = spec.first_out / kPanelColumns;
  const uint32_t panels = (last + kPanelColumns - 1) / kPanelColumns - first_panel;
  const uint32_t tasks = (panels + kPanelsPerTask - 1) / kPanelsPerTask;
  run_in_parallel(threads, tasks, [&](uint32_t task) {
    const uint32_t begin = first_panel + task * kPanelsPerTask;
    const uint32_t end = std::min(begin + kPanelsPerTask, first_panel + panels);
    for (uint32_t panel = begin; panel < end; ++panel) {
      const uint32_t column = panel * kPanelColumns;
      pack_panel(spec, source, panel, std::max(spec.first_out, column) - column,
                 std::min(last, column + kPanelColumns) - column, packed);
    }
  });
}

}  // namespace

DType packed_format(DType stored) { return is_block_format(stored) ? stored : DType::kPlain; }

size_t matrix_bytes(uint32_t out, uint32_t in, DType format) {
  if (is_block_format(format)) return block_matrix_bytes(out, in, format);
  if (format == DType::kI8) return int8_matrix_bytes(out, in);
  const size_t panels = (size_t{out} + kPanelColumns - 1) / kPanelColumns;
  return panels * panel_words(in) * sizeof(uint32_t);
}

void pack_matrix(const Backend::PackSpec& spec, const void* source, std::byte* packed,
                 uint32_t threads) {
  NF_ASSERT(uint64_t{spec.first_out} + spec.rows <= spec.out);
  if (spec.format == DType::kI8) return pack_int8_matrix(spec, source, packed, threads);
  if (is_block_format(spec.dtype)) {
    return pack_block_matrix(spec, static_cast<const std::byte*>(source), packed);
  }
  pack_plain(spec, source, reinterpret_cast<uint32_t*>(packed), threads);
}

void unpack_row(const WeightView& weight, uint32_t row, float* out) {
  if (is_block_format(weight.format)) return unpack_block_row(weight, row, out);
  if (weight.format == DType::kI8) return unpack_int8_row(weight, row, out);
  const uint32_t* column = static_cast<const uint32_t*>(weight.data) +
                           (row / kPanelColumns) * panel_words(weight.in) + row % kPanelColumns;
  for (uint32_t k = 0; k < weight.in; ++k) {
    const uint32_t pair = column[size_t{k / 2} * kPanelColumns];
    out[k] = to_float(BF16{static_cast<uint16_t>(k % 2 == 0 ? pair : pair >> 16)});
  }
}

size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim) {
  return KvPage{page_tokens, kv_heads, head_dim}.bytes();
}

}  // namespace nf::cpu
