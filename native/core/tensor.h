// Element types, conversions between them, and views of packed weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nf {

enum class DType : uint8_t {
  kPlain = 0,  // of packed matrices only: the elements are as the backend likes them best
  kF32 = 1,
  kF16 = 2,
  kBF16 = 3,
  kI8 = 4,     // with scales: rows of activations as below; matrices as the backend likes them best
  kQ8_0 = 16,  // block formats from here on: see block_formats.h
  kQ4_0 = 17,
  kQ4_K = 18,
  kQ6_K = 19,
};

// The dtypes of activations that a backend likes best.
struct ActivationTypes {
  DType operand;                // of what feeds a matrix product
  DType product = DType::kF32;  // of products that are not added to the residual stream
  // GEMMs that end in a gated linear unit take a multiple of so many columns; 0: there are none.
  uint32_t glu_columns = 0;
};

// Of dtypes whose elements stand alone.
constexpr size_t size_of(DType dtype) {
  return dtype == DType::kF32 ? 4 : dtype == DType::kI8 ? 1 : 2;
}

// A quantized row x[width]: bytes b with x ~ scale * (b - 128) and b in 1 .. 255, filled up with
// 128 to a multiple of 4, then the scale as fp32. Rows are 4-byte aligned.
constexpr uint8_t kQuantizedZero = 128;
constexpr size_t quantized_bytes(uint32_t width) { return (size_t{width} + 3) / 4 * 4; }

// Bytes of a row of activations.
constexpr size_t row_bytes(DType dtype, uint32_t width) {
  if (dtype == DType::kI8) return quantized_bytes(width) + sizeof(float);
  return width * size_of(dtype);
}

struct BF16 {
  uint16_t bits;
};

inline float to_float(BF16 value) {
  const uint32_t bits = uint32_t{value.bits} << 16;
  float result;
  std::memcpy(&result, &bits, 4);
  return result;
}

// Round to nearest, ties to even; a NaN stays a NaN.
inline BF16 to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((bits >> 16) | 0x40u)};
  return {static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

// IEEE half precision, subnormals included.
inline float half_to_float(uint16_t half) {
  const uint32_t sign = uint32_t{half & 0x8000u} << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  uint32_t mantissa = half & 0x3ffu;
  uint32_t bits;
  if (exponent == 31) {
    bits = sign | 0x7f800000u | (mantissa << 13);
  } else if (exponent != 0) {
    bits = sign | ((exponent + 112) << 23) | (mantissa << 13);
  } else if (mantissa == 0) {
    bits = sign;
  } else {
    uint32_t shift = 0;
    while ((mantissa & 0x400u) == 0) {
      mantissa <<= 1;
      ++shift;
    }
    bits = sign | ((113 - shift) << 23) | ((mantissa & 0x3ffu) << 13);
  }
  float result;
  std::memcpy(&result, &bits, 4);
  return result;
}

// IEEE half precision: round to nearest, ties to even; what is too large becomes an infinity.
inline uint16_t to_half(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);  // from 65536 on
  if (magnitude < 0x38800000u) {
    // A subnormal: adding a half brings its last place to the end of the mantissa, and rounds.
    float shifted;
    std::memcpy(&shifted, &magnitude, 4);
    shifted += 0.5f;
    uint32_t result;
    std::memcpy(&result, &shifted, 4);
    return static_cast<uint16_t>(sign | (result - 0x3f000000u));
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23);
  return static_cast<uint16_t>(sign | (rounded >> 13));  // a carry ends as an infinity
}

// Rows of every group of so many are stored in the order 0, n/2, 1, n/2 + 1, ... (0: as they are):
// which row of the matrix is the stored row `row`?
constexpr uint32_t unpaired_row(uint32_t row, uint32_t group) {
  if (group == 0) return row;
  const uint32_t place = row % group;
  return row - place + place / 2 + place % 2 * (group / 2);
}

// The other way: at which stored row does row `row` of the matrix stand?
constexpr uint32_t paired_row(uint32_t row, uint32_t group) {
  if (group == 0) return row;
  const uint32_t place = row % group;
  const uint32_t half = group / 2;
  return row - place + (place < half ? 2 * place : 2 * (place - half) + 1);
}

// A packed weight: the layout of the bytes is the backend's own.
struct WeightView {
  const void* data = nullptr;  // matrix: [out, in] packed; vector: fp32 [out]
  uint32_t out = 0;            // rows of the checkpoint's matrix: columns of the GEMM's result
  uint32_t in = 0;             // columns of the checkpoint's matrix: the reduced dimension
  DType format = DType::kPlain;
  uint32_t count = 1;  // matrices of this shape, one for each expert
  size_t stride = 0;   // bytes from one of them to the next

  WeightView matrix(uint32_t index) const {
    WeightView view = *this;
    view.data = static_cast<const std::byte*>(data) + index * stride;
    view.count = 1;
    return view;
  }
};

// A run of output columns of a weight that are packed in one format. The sections of a weight stand
// in the order of its columns; most weights are a single one.
struct WeightSection {
  WeightView view;
  uint32_t first_out = 0;
};

}  // namespace nf
