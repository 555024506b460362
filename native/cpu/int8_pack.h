// Packed int8 weights: whole numbers in panels of 32 output columns, with what a GEMM needs to make
// floats of its sums.
//
// A panel is
//
//   int8 [groups][32][4]   four neighbours of the reduced dimension stand together, as vpdpbusd
//                          wants them; padded with zeros
//   fp32 [32]              scale of each column
//   int32 [32]             128 times the sum of each column: what the sum of products is too large
//                          by, because activations are stored with 128 added (core/tensor.h)
//
// Columns that belong to no row of the matrix are zeros.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/backend.h"
#include "cpu/pack.h"

namespace nf::cpu {

// The longest reduced dimension whose sums of products 255 * -128 stay within 32 bits.
constexpr uint32_t kMaxInt8Width = 65536;
static_assert(uint64_t{kMaxInt8Width} * 255 * 128 < uint64_t{1} << 31);

// Groups of four of one column.
static constexpr size_t int8_groups(uint32_t in) { return (size_t{in} + 3) / 4; }
static constexpr size_t int8_group_bytes() { return kPanelColumns * 4; }
static constexpr size_t int8_panel_bytes(uint32_t in) {
  return int8_groups(in) * int8_group_bytes() + kPanelColumns * (sizeof(float) + sizeof(int32_t));
}

// A panel where it lies.
struct Int8Panel {
  const std::byte* values;
  const float* scales;
  const int32_t* offsets;
};

static inline Int8Panel int8_panel(const WeightView& weight, uint32_t panel) {
  const auto* base =
      static_cast<const std::byte*>(weight.data) + panel * int8_panel_bytes(weight.in);
  const std::byte* scales = base + int8_groups(weight.in) * int8_group_bytes();
  return {base, reinterpret_cast<const float*>(scales),
          reinterpret_cast<const int32_t*>(scales) + kPanelColumns};
}

size_t int8_matrix_bytes(uint32_t out, uint32_t in);

// As pack_matrix in pack.h. Plain sources are rounded as core/int8.h says, int8 ones are taken with
// their scales as they are.
void pack_int8_matrix(const Backend::PackSpec& spec, const void* source, std::byte* packed,
                      uint32_t threads);

// Row `row` of a packed matrix as fp32: out[weight.in].
void unpack_int8_row(const WeightView& weight, uint32_t row, float* out);

}  // namespace nf::cpu
