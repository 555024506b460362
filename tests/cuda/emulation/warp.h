// What the toolkit's warp and block intrinsics are made of.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "emulation/fiber.h"

namespace emulation {

struct Lanes {
  const uint64_t* values;
  uint32_t present;  // lanes that had not returned
};

void block_barrier();
int block_barrier_or(int value);
int block_barrier_count(int value);
void warp_barrier(uint32_t mask);

// Every lane's value, once all lanes have come. Valid until the lane's next meeting but one.
Lanes exchange(const char* operation, uint32_t mask, uint64_t value);
uint32_t ballot(const char* operation, uint32_t mask, bool value);
uint32_t reduce_add(const char* operation, uint32_t mask, uint32_t value);
uint32_t live_lanes();

template <typename T>
T shuffle(const char* operation, uint32_t mask, T value, int from) {
  static_assert(sizeof(T) <= sizeof(uint64_t) && std::is_trivially_copyable_v<T>);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  const Lanes lanes = exchange(operation, mask, bits);
  // A lane that has returned gives garbage.
  bits = (lanes.present >> from & 1u) != 0 ? lanes.values[from] : ~uint64_t{0};
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace emulation
