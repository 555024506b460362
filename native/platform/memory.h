// Blocks of zeroed memory that a backend owns until it is destroyed.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace nf {

class MemoryBlocks {
 public:
  MemoryBlocks() = default;
  ~MemoryBlocks();
  MemoryBlocks(const MemoryBlocks&) = delete;
  MemoryBlocks& operator=(const MemoryBlocks&) = delete;

  // Throws NF_OUT_OF_MEMORY naming what the memory was for and its size.
  std::byte* allocate(size_t bytes, const char* what);

 private:
  std::vector<std::pair<std::byte*, size_t>> blocks_;
};

}  // namespace nf
