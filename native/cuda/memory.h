// Memory of a CUDA device and pinned memory of the host, owned until the backend is destroyed.
#pragma once

#include <cstddef>
#include <vector>

namespace nf::cuda {

class DeviceMemory {
 public:
  DeviceMemory() = default;
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  // Zeroed. Both throw NF_OUT_OF_MEMORY with what it was for, its size, and what is free.
  std::byte* allocate(size_t bytes, const char* what);
  std::byte* allocate_pinned(size_t bytes, const char* what);

 private:
  std::vector<void*> blocks_;
  std::vector<void*> pinned_;
};

}  // namespace nf::cuda
