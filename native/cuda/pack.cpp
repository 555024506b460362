#include "cuda/pack.h"

#include <cstring>

#include "core/block_formats.h"

namespace nf::cuda {

namespace {

constexpr uint32_t kLargestBlock = 256;  // elements

uint16_t to_operand(float value, DType operand) {
  return operand == DType::kBF16 ? to_bf16(value).bits : to_half(value);
}

// Elements of a file, which need not be aligned.
void convert_elements(const std::byte* source, DType dtype, uint32_t count, DType operand,
                      std::byte* out) {
  for (uint32_t i = 0; i < count; ++i) {
    float value;
    if (dtype == DType::kF32) {
      std::memcpy(&value, source + 4 * size_t{i}, 4);
    } else {
      uint16_t bits;
      std::memcpy(&bits, source + 2 * size_t{i}, 2);
      value = dtype == DType::kBF16 ? to_float(BF16{bits}) : half_to_float(bits);
    }
    const uint16_t narrow = to_operand(value, operand);
    std::memcpy(out + 2 * size_t{i}, &narrow, 2);
  }
}

void decode_blocks(const std::byte* source, DType dtype, uint32_t count, DType operand,
                   std::byte* out) {
  const BlockFormat& format = block_format(dtype);
  float values[kLargestBlock];
  for (uint32_t i = 0; i < count; i += format.elements, source += format.bytes) {
    dequantize_block(dtype, source, values);
    convert_elements(reinterpret_cast<const std::byte*>(values), DType::kF32, format.elements,
                     operand, out + 2 * size_t{i});
  }
}

}  // namespace

size_t matrix_bytes(uint32_t out, uint32_t in) { return size_t{out} * in * sizeof(uint16_t); }

void convert_row(const Backend::PackSpec& spec, const void* source, uint32_t row, DType operand,
                 std::byte* out) {
  const size_t row_bytes = stored_bytes(spec.dtype, spec.in);
  const std::byte* from = static_cast<const std::byte*>(source) + row * row_bytes;
  if (is_block_format(spec.dtype)) {
    decode_blocks(from, spec.dtype, spec.in, operand, out);
  } else if (spec.dtype == operand) {
    std::memcpy(out, from, row_bytes);
  } else {
    convert_elements(from, spec.dtype, spec.in, operand, out);
  }
}

}  // namespace nf::cuda
