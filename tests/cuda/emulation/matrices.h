// Numbers of matrix operands, widened on the host.
#pragma once

#include <cstdint>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "emulation/fiber.h"

namespace emulation {

template <Element element>
float widen(uint16_t bits) {
  return element == Element::kF16 ? __half2float(__ushort_as_half(bits))
                                  : __bfloat162float(__ushort_as_bfloat16(bits));
}

// The element of lower index is in the lower half of the register.
inline uint16_t low_half(uint32_t value) { return static_cast<uint16_t>(value); }
inline uint16_t high_half(uint32_t value) { return static_cast<uint16_t>(value >> 16); }

}  // namespace emulation
