// Kernels that take more dynamic shared memory than the 48 KiB that every kernel may have.
#pragma once

#include <cuda_runtime.h>

#include <atomic>
#include <cstdint>

namespace nf::cuda {

// Lets launches of a kernel on the current device ask for so many bytes. To be called before each
// launch: only the first one on a device costs anything.
template <auto kernel>
void allow_shared_bytes(uint32_t bytes) {
  static std::atomic<uint64_t> devices = 0;
  int device = 0;
  cudaGetDevice(&device);
  const uint64_t bit = uint64_t{1} << (device % 64);
  if ((devices.load(std::memory_order_relaxed) & bit) != 0) return;
  cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                       cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
  devices.fetch_or(bit, std::memory_order_relaxed);
}

}  // namespace nf::cuda
