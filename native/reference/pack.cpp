// Packing on the reference backend: every element becomes fp32 and stays where it is. In an int8
// matrix it becomes what int8 makes of it.
#include "pack.h"

#include <cstring>

#include "core/block_formats.h"
#include "core/check.h"
#include "row.h"

namespace nf::reference {
namespace {

// Element `index` of an array of `dtype`. Sources come from files: they may be unaligned.
float load_element(const void* source, DType dtype, size_t index) {
  const auto* bytes = static_cast<const std::byte*>(source) + index * size_of(dtype);
  if (dtype == DType::kF32) {
    float value;
    std::memcpy(&value, bytes, sizeof(value));
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof(bits));
  return dtype == DType::kBF16 ? to_float(BF16{bits}) : half_to_float(bits);
}

void load_row(const std::byte* source, DType dtype, uint32_t count, float* out) {
  if (is_block_format(dtype)) {
    const BlockFormat& format = block_format(dtype);
    NF_ASSERT(count % format.elements == 0);
    for (uint32_t i = 0; i < count; i += format.elements, source += format.bytes) {
      dequantize_block(dtype, source, out + i);
    }
    return;
  }
  for (uint32_t i = 0; i < count; ++i) out[i] = load_element(source, dtype, i);
}

// A row as int8 times its scale.
void load_int8_row(const std::byte* source, DType dtype, float stored_scale, uint32_t count,
                   float* out) {
  if (dtype == DType::kI8) {
    const auto* values = reinterpret_cast<const int8_t*>(source);
    for (uint32_t i = 0; i < count; ++i) out[i] = float(values[i]) * stored_scale;
    return;
  }
  load_row(source, dtype, count, out);
  const Int8Scale scale = int8_scale_of(out, count);
  for (uint32_t i = 0; i < count; ++i) out[i] = float(round_to_int8(out[i], scale)) * scale.scale;
}

}  // namespace

DType packed_format(DType) { return DType::kPlain; }

size_t matrix_bytes(uint32_t out, uint32_t in, DType format) {
  NF_ASSERT(format == DType::kPlain || format == DType::kI8);
  return size_t{out} * in * sizeof(float);
}

void pack_matrix(const Backend::PackSpec& spec, const void* source, std::byte* packed) {
  NF_ASSERT(uint64_t{spec.first_out} + spec.rows <= spec.out);
  auto* matrix = reinterpret_cast<float*>(packed);
  const auto* rows = static_cast<const std::byte*>(source);
  for (uint32_t row = 0; row < spec.rows; ++row) {
    const std::byte* source_row = rows + row * stored_bytes(spec.dtype, spec.in);
    float* out = matrix + size_t{spec.target_row(row)} * spec.in;
    if (spec.format == DType::kI8) {
      const float scale = spec.scales != nullptr ? spec.scales[row] : 0;
      load_int8_row(source_row, spec.dtype, scale, spec.in, out);
    } else {
      load_row(source_row, spec.dtype, spec.in, out);
    }
  }
}

size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim) {
  return 2 * size_t{kv_heads} * page_tokens * head_dim * sizeof(float);
}

}  // namespace nf::reference
