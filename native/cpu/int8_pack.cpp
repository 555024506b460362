// Rounds weights to int8 and moves them to their places in a panel.
//
// The rows of one panel go together: all are read once for their largest element, then again in
// pieces that are small enough to be turned in the nearest cache, so that a panel is written line
// by line.
#include "cpu/int8_pack.h"

#include <algorithm>
#include <bit>
#include <type_traits>

#include "core/check.h"
#include "core/int8.h"
#include "platform/parallel.h"

namespace nf::cpu {
namespace {

constexpr uint32_t kPiece = 512;  // elements of a row
constexpr uint32_t kPitch = kPiece + 16;

// A source knows the bits of |x| that order as |x| does, and the floats of finite bits.
struct OfF32 {
  using Element = uint32_t;
  static constexpr Element kMagnitude = 0x7fffffffu;
  static float value(Element bits) { return std::bit_cast<float>(bits); }
};

struct OfBF16 {
  using Element = uint16_t;
  static constexpr Element kMagnitude = 0x7fffu;
  static float value(Element bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }
};

struct OfF16 {
  using Element = uint16_t;
  static constexpr Element kMagnitude = 0x7fffu;
  static float value(Element bits) {
    const uint32_t sign = (bits & 0x8000u) << 16;
    const uint32_t shifted = (bits & 0x7fffu) << 13;
    return std::bit_cast<float>(sign | shifted) * 0x1p112f;  // exact, subnormals included
  }
};

// The largest |x| of a row; a NaN or an infinity if it has one. Bits of 15 or 31 are the same
// number with and without a sign, and plain x86-64 only compares those with one.
template <typename Of>
float largest(const typename Of::Element* row, uint32_t count) {
  using Signed = std::make_signed_t<typename Of::Element>;
  Signed most = 0;
  for (uint32_t i = 0; i < count; ++i) {
    most = std::max(most, static_cast<Signed>(row[i] & Of::kMagnitude));
  }
  const auto bits = static_cast<typename Of::Element>(most);
  if constexpr (std::is_same_v<Of, OfF16>) return half_to_float(bits);
  return Of::value(bits);
}

// Columns [first, last) of one panel, and the rows of the source that they are.
struct Columns {
  uint32_t first;
  uint32_t last;
  uint32_t source[kPanelColumns];
};

// Rounded rows of floats.
template <typename Of>
class Rounded {
 public:
  Rounded(const Backend::PackSpec& spec, const void* source)
      : in_(spec.in), rows_(static_cast<const typename Of::Element*>(source)) {}

  // Reads the rows of a panel; returns their scales.
  void open(const Columns& columns, float* scales) {
    for (uint32_t c = columns.first; c < columns.last; ++c) {
      scale_[c] = int8_scale(largest<Of>(row(columns, c), in_));
      scales[c] = scale_[c].scale;
    }
  }

  void read(const Columns& columns, uint32_t c, uint32_t k, uint32_t count, int8_t* out) const {
    if (!scale_[c].is_regular()) {
      std::fill_n(out, count, int8_t{0});
      return;
    }
    const typename Of::Element* x = row(columns, c) + k;
    const float inverse = scale_[c].inverse;
    for (uint32_t i = 0; i < count; ++i) out[i] = to_int8(Of::value(x[i]), inverse);
  }

 private:
  const typename Of::Element* row(const Columns& columns, uint32_t c) const {
    return rows_ + size_t{columns.source[c]} * in_;
  }

  uint32_t in_;
  const typename Of::Element* rows_;
  Int8Scale scale_[kPanelColumns];
};

// Rows that are int8 already.
class Stored {
 public:
  Stored(const Backend::PackSpec& spec, const void* source)
      : in_(spec.in), scales_(spec.scales), rows_(static_cast<const int8_t*>(source)) {}

  void open(const Columns& columns, float* scales) {
    for (uint32_t c = columns.first; c < columns.last; ++c) scales[c] = scales_[columns.source[c]];
  }

  void read(const Columns& columns, uint32_t c, uint32_t k, uint32_t count, int8_t* out) const {
    std::copy_n(rows_ + size_t{columns.source[c]} * in_ + k, count, out);
  }

 private:
  uint32_t in_;
  const float* scales_;
  const int8_t* rows_;
};

int32_t sum(const int8_t* values, uint32_t count) {
  int32_t total = 0;
  for (uint32_t i = 0; i < count; ++i) total += values[i];
  return total;
}

template <typename Rows>
void pack_panel(Rows& rows, uint32_t in, const Columns& columns, std::byte* panel) {
  auto* scales = reinterpret_cast<float*>(panel + int8_groups(in) * int8_group_bytes());
  auto* offsets = reinterpret_cast<int32_t*>(scales + kPanelColumns);
  rows.open(columns, scales);
  std::fill(offsets + columns.first, offsets + columns.last, 0);
  alignas(64) int8_t piece[kPanelColumns][kPitch];
  for (uint32_t k = 0; k < in; k += kPiece) {
    const uint32_t count = std::min(in - k, kPiece);
    for (uint32_t c = columns.first; c < columns.last; ++c) {
      rows.read(columns, c, k, count, piece[c]);
      std::fill(piece[c] + count, piece[c] + (count + 3) / 4 * 4, int8_t{0});
      offsets[c] += 128 * sum(piece[c], count);
    }
    std::byte* out = panel + k / 4 * int8_group_bytes();
    for (uint32_t i = 0; i < count; i += 4, out += int8_group_bytes()) {
      for (uint32_t c = columns.first; c < columns.last; ++c) {
        std::memcpy(out + size_t{4} * c, piece[c] + i, 4);
      }
    }
  }
}

// A panel's columns that belong to this part of the matrix, and where their rows are.
Columns columns_of(const Backend::PackSpec& spec, uint32_t panel) {
  const uint32_t begin = panel * kPanelColumns;
  const uint32_t end = spec.first_out + spec.rows;
  Columns columns{
      std::max(spec.first_out, begin) - begin, std::min(end - begin, kPanelColumns), {}};
  for (uint32_t c = columns.first; c < columns.last; ++c) {
    columns.source[c] = spec.source_row(begin + c);
  }
  return columns;
}

template <typename Rows>
void pack_panels(const Backend::PackSpec& spec, const Rows& rows, std::byte* packed,
                 uint32_t threads) {
  const uint32_t first = spec.first_out / kPanelColumns;
  const uint32_t end = (spec.first_out + spec.rows + kPanelColumns - 1) / kPanelColumns;
  run_in_parallel(threads, end - first, [&](uint32_t task) {
    const uint32_t panel = first + task;
    Rows own = rows;  // it keeps the scales of its panel
    pack_panel(own, spec.in, columns_of(spec, panel), packed + panel * int8_panel_bytes(spec.in));
  });
}

}  // namespace

size_t int8_matrix_bytes(uint32_t out, uint32_t in) {
  return (size_t{out} + kPanelColumns - 1) / kPanelColumns * int8_panel_bytes(in);
}

void pack_int8_matrix(const Backend::PackSpec& spec, const void* source, std::byte* packed,
                      uint32_t threads) {
  switch (spec.dtype) {
    case DType::kF32:
      return pack_panels(spec, Rounded<OfF32>(spec, source), packed, threads);
    case DType::kF16:
      return pack_panels(spec, Rounded<OfF16>(spec, source), packed, threads);
    case DType::kBF16:
      return pack_panels(spec, Rounded<OfBF16>(spec, source), packed, threads);
    case DType::kI8:
      return pack_panels(spec, Stored(spec, source), packed, threads);
    default:
      break;
  }
  NF_ASSERT(!"not a source of int8 weights");
}

void unpack_int8_row(const WeightView& weight, uint32_t row, float* out) {
  const Int8Panel panel = int8_panel(weight, row / kPanelColumns);
  const uint32_t column = row % kPanelColumns;
  const auto* values = reinterpret_cast<const int8_t*>(panel.values) + size_t{4} * column;
  for (uint32_t k = 0; k < weight.in; ++k) {
    out[k] = static_cast<float>(values[k / 4 * int8_group_bytes() + k % 4]) * panel.scales[column];
  }
}

}  // namespace nf::cpu
