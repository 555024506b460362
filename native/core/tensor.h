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
  kQ8_0 = 16,  // block formats from here on: see block_formats.h
  kQ4_0 = 17,
  kQ4_K = 18,
  kQ6_K = 19,
};

// The dtypes of activations that a backend likes best.
struct ActivationTypes {
  DType operand;                // of what feeds a matrix product
  DType product = DType::kF32;  // of products that are not added to the residual stream
};

// Of dtypes whose elements stand alone.
constexpr size_t size_of(DType dtype) { return dtype == DType::kF32 ? 4 : 2; }

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

// Round to nearest, ties to even; too large becomes an infinity, a NaN stays a NaN.
inline uint16_t to_half(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const uint32_t sign = bits >> 16 & 0x8000u;
  bits &= 0x7fffffffu;
  if (bits > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (bits >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);  // from 2^16 on
  // What is dropped: 13 bits of the mantissa, more of numbers below the normal ones (2^-14).
  const uint32_t exponent = bits >> 23;
  uint32_t dropped = 13;
  if (exponent < 113) {
    if (exponent < 102) return static_cast<uint16_t>(sign);  // below half of the least number
    dropped = 126 - exponent;
    bits = (bits & 0x7fffffu) | 0x800000u;
  } else {
    bits -= 112u << 23;
  }
  const uint32_t kept = bits >> dropped;
  const uint32_t rest = bits & ((1u << dropped) - 1);
  const uint32_t half = 1u << (dropped - 1);
  return static_cast<uint16_t>(sign | (kept + uint32_t{rest > half || (rest == half && kept % 2)}));
}

// Rows of every group of so many are stored in the order 0, n/2, 1, n/2 + 1, ... (0: as they are):
// which row of the matrix is the stored row `row`?
constexpr uint32_t unpaired_row(uint32_t row, uint32_t group) {
  if (group == 0) return row;
  const uint32_t place = row % group;
  return row - place + place / 2 + place % 2 * (group / 2);
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
