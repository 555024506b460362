// How numbers become int8 with a scale: rows of activations (tensor.h) and of weights alike.
//
// The scale of a row is its largest |x| / 127, and x / scale is rounded to nearest even. Every
// backend and instruction set follows these steps, so that all make the same integers. Kernel files
// of several instruction sets include this one: its functions are static, so that none of them
// links to another's.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace nf {

constexpr float kInt8Max = 127;

struct Int8Scale {
  float scale;    // 0: the row counts as zeros; NaN: it has a NaN or an infinity
  float inverse;  // 0 in both cases

  bool is_regular() const { return inverse > 0; }
};

// `largest`: the largest |x| of a row; a NaN or an infinity if the row has one. Rows whose scale is
// no normal number count as zeros.
static inline Int8Scale int8_scale(float largest) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (!(largest < kInfinity)) return {std::numeric_limits<float>::quiet_NaN(), 0};
  const float scale = largest / kInt8Max;
  if (scale < std::numeric_limits<float>::min()) return {0, 0};
  return {scale, 1 / scale};
}

// Adding it leaves a rounded integer in the low bits: 1.5 * 2^23.
constexpr float kInt8Shift = 12582912.0f;

// x / scale of a regular row, in -127 .. 127, as the low 8 bits of the result.
static constexpr uint32_t int8_bits(float x, float inverse) {
  return std::bit_cast<uint32_t>(x * inverse + kInt8Shift);
}

static constexpr int8_t to_int8(float x, float inverse) {
  return static_cast<int8_t>(static_cast<uint8_t>(int8_bits(x, inverse)));
}

}  // namespace nf
