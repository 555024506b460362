// Packing on the reference backend: every element becomes fp32 and stays where it is.
#include "pack.h"

#include <cstring>

#include "core/block_formats.h"
#include "core/check.h"

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

}  // namespace

DType packed_format(DType) { return DType::kPlain; }

size_t matrix_bytes(uint32_t out, uint32_t in, DType format) {
  NF_ASSERT(format == DType::kPlain);
  return size_t{out} * in * sizeof(float);
}

void pack_matrix(const Backend::PackSpec& spec, const void* source, std::byte* packed) {
  NF_ASSERT(uint64_t{spec.first_out} + spec.rows <= spec.out);
  auto* matrix = reinterpret_cast<float*>(packed);
  const auto* rows = static_cast<const std::byte*>(source);
  for (uint32_t row = 0; row < spec.rows; ++row) {
    load_row(rows + row * stored_bytes(spec.dtype, spec.in), spec.dtype, spec.in,
             matrix + size_t{spec.target_row(row)} * spec.in);
  }
}

size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim) {
  return 2 * size_t{kv_heads} * page_tokens * head_dim * sizeof(float);
}

}  // namespace nf::reference
