// Rounding of rows to int8 (core/int8.h): bf16 in, quantized rows out.
//
// Traffic of a row: 2 H bytes read (the second time from cache), H written. The loops are plain:
// the flags of the instruction set make vectors of them, and no step rounds differently for it.
#pragma once

#include <cstring>

#include "core/backend.h"
#include "core/int8.h"

namespace nf::cpu {

template <typename V>
class Quantize {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const QuantizeArgs& args = op.quantize;
    if (args.rows.empty()) return;
    constexpr uint32_t kTaskElements = 1 << 17;  // about 20 us
    const uint32_t wanted = kTaskElements / args.width + 1;
    const size_t pitch = row_bytes(DType::kI8, args.width);
    lane.for_each((args.rows.size() + wanted - 1) / wanted, [&](uint32_t task, uint32_t) {
      const uint32_t begin = args.rows.begin + task * wanted;
      const uint32_t end = args.rows.end - begin < wanted ? args.rows.end : begin + wanted;
      for (uint32_t row = begin; row < end; ++row) {
        const auto* x = static_cast<const uint16_t*>(args.x) + size_t{row} * args.width;
        quantize(x, args.width, args.out + row * pitch);
      }
    });
  }

  static size_t workspace(const OpShape&) { return 0; }
  static bool supports(const OpShape& shape) { return shape.out > 0; }

  // Rounds x[width], bf16, to the quantized row `out`.
  static void quantize(const uint16_t* x, uint32_t width, std::byte* out) {
    const Int8Scale scale = int8_scale(largest(x, width));
    auto* bytes = reinterpret_cast<uint8_t*>(out);
    const auto padded = static_cast<uint32_t>(quantized_bytes(width));
    uint32_t filled = 0;
    if (scale.is_regular()) {
      const float inverse = scale.inverse;
      for (uint32_t i = 0; i < width; ++i) {
        // Adding 128 is the same as turning the highest of eight bits.
        bytes[i] = static_cast<uint8_t>(int8_bits(widen(x[i]), inverse) ^ kQuantizedZero);
      }
      filled = width;
    }
    std::memset(bytes + filled, kQuantizedZero, padded - filled);
    std::memcpy(out + padded, &scale.scale, sizeof(float));
  }

 private:
  static float widen(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

  // Of |x|; a NaN or an infinity if there is one: their bits are above those of all numbers.
  static float largest(const uint16_t* x, uint32_t width) {
    uint16_t most = 0;
    for (uint32_t i = 0; i < width; ++i) {
      const auto magnitude = static_cast<uint16_t>(x[i] & 0x7fff);
      most = most < magnitude ? magnitude : most;
    }
    return widen(most);
  }
};

}  // namespace nf::cpu
