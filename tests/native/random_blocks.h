// Random matrices in block formats, as bytes of a file, with the numbers they stand for.
#pragma once

#include <cmath>
#include <cstring>
#include <vector>

#include "core/block_formats.h"
#include "shapes.h"

namespace test {

// The fp16 nearest below a number between 0 and 65504.
inline uint16_t half_below(float value) {
  if (value < std::ldexp(1.0f, -14)) return static_cast<uint16_t>(std::ldexp(value, 24));
  int exponent = 0;
  const float fraction = std::frexp(value, &exponent);  // [0.5, 1)
  return static_cast<uint16_t>((exponent + 14) << 10 |
                               static_cast<uint16_t>(std::ldexp(2 * fraction - 1, 10)));
}

// The places of the fp16 numbers in a block: scale, and min (0 where the format has none).
struct HalfPlaces {
  size_t scale;
  size_t min;
};
inline HalfPlaces half_places(nf::DType dtype) {
  if (dtype == nf::DType::kQ6_K) return {offsetof(nf::Q6_KBlock, scale), 0};
  if (dtype == nf::DType::kQ4_K) return {0, offsetof(nf::Q4_KBlock, min)};
  return {0, 0};
}

// Blocks of random bytes for `elements` numbers of about the given deviation around zero.
inline std::vector<std::byte> random_blocks(Random& random, const nf::BlockFormat& format,
                                            size_t elements, float deviation) {
  const nf::DType dtype = format.dtype;
  // The deviation of an element, in block scales.
  const float steps = dtype == nf::DType::kQ8_0   ? 74.0f
                      : dtype == nf::DType::kQ4_0 ? 4.6f
                      : dtype == nf::DType::kQ4_K ? 255.0f
                                                  : 74 * 18.5f;
  const uint16_t scale = half_below(deviation / steps);
  const uint16_t min = half_below(deviation / steps * 7.5f);
  const HalfPlaces places = half_places(dtype);
  std::vector<std::byte> bytes(elements / format.elements * format.bytes);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  for (size_t i = 0; i < bytes.size(); i += format.bytes) {
    const uint16_t sign = random() % 2 == 0 ? 0x8000 : 0;
    const auto signed_scale = static_cast<uint16_t>(scale | sign);
    const auto signed_min = static_cast<uint16_t>(min | sign);
    std::memcpy(bytes.data() + i + places.scale, &signed_scale, 2);
    if (places.min != 0) std::memcpy(bytes.data() + i + places.min, &signed_min, 2);
  }
  return bytes;
}

inline std::vector<float> dequantize(const nf::BlockFormat& format,
                                     const std::vector<std::byte>& bytes) {
  std::vector<float> values(bytes.size() / format.bytes * format.elements);
  for (size_t i = 0; i < bytes.size() / format.bytes; ++i) {
    nf::dequantize_block(format.dtype, bytes.data() + i * format.bytes,
                         values.data() + i * format.elements);
  }
  return values;
}

}  // namespace test
