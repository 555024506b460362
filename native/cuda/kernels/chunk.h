// Runs of neighbours of a row as a thread reads and writes them: eight at a time by 16-byte
// accesses where every row starts at a multiple of that, else one by one.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/operand.h"

namespace nf::cuda {

constexpr uint32_t kWide = 8;

template <uint32_t wide, typename T>
__device__ inline void load_chunk(const T* from, float (&to)[wide]) {
  if constexpr (wide == 1) {
    to[0] = widen(from[0]);
  } else {
    static_assert(wide == kWide);
    uint4 words[sizeof(T) * wide / sizeof(uint4)];
    for (uint32_t i = 0; i < sizeof(words) / sizeof(uint4); ++i) {
      words[i] = reinterpret_cast<const uint4*>(from)[i];
    }
    T elements[wide];
    memcpy(elements, words, sizeof(words));
    for (uint32_t i = 0; i < wide; ++i) to[i] = widen(elements[i]);
  }
}

template <uint32_t wide, typename T>
__device__ inline void store_chunk(T* to, const float (&from)[wide]) {
  if constexpr (wide == 1) {
    to[0] = narrow<T>(from[0]);
  } else {
    static_assert(wide == kWide);
    T elements[wide];
    for (uint32_t i = 0; i < wide; ++i) elements[i] = narrow<T>(from[i]);
    uint4 words[sizeof(T) * wide / sizeof(uint4)];
    memcpy(words, elements, sizeof(words));
    for (uint32_t i = 0; i < sizeof(words) / sizeof(uint4); ++i) {
      reinterpret_cast<uint4*>(to)[i] = words[i];
    }
  }
}

// Threads of a block that works on one row of `width`: two chunks a thread where it is wide.
inline uint32_t row_threads(uint32_t width) {
  constexpr uint32_t kMost = 512;
  const uint32_t wanted = (width / (2 * kWide) + 31) / 32 * 32;
  return wanted < 32 ? 32 : wanted > kMost ? kMost : wanted;
}

}  // namespace nf::cuda
