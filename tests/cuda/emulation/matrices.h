// Numbers of matrix operands, widened on the host.
#pragma once

#include <cstdint>

#include "emulation/fiber.h"

namespace emulation {

// All 65536 values of an element type.
const float* widened(Element element);

// The element of lower index is in the lower half of the register.
inline uint16_t low_half(uint32_t value) { return static_cast<uint16_t>(value); }
inline uint16_t high_half(uint32_t value) { return static_cast<uint16_t>(value >> 16); }

}  // namespace emulation
