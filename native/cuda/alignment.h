// Addresses and sizes in whole pieces.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/host_device.h"

namespace nf::cuda {

inline bool is_aligned(const void* pointer, size_t bytes) {
  return reinterpret_cast<uintptr_t>(pointer) % bytes == 0;
}

// Parts of `size` that `count` things need; the last one may not be full.
NF_HOST_DEVICE constexpr uint32_t num_parts(uint32_t count, uint32_t size) {
  return (count + size - 1) / size;
}

}  // namespace nf::cuda
