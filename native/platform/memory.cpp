#include "platform/memory.h"

#include <string>

#include "core/check.h"
#include "platform/os.h"

namespace nf {

MemoryBlocks::~MemoryBlocks() {
  for (const auto& [memory, bytes] : blocks_) free_pages(memory, bytes);
}

std::byte* MemoryBlocks::allocate(size_t bytes, const char* what) {
  if (bytes == 0) bytes = 64;           // an address that is never read
  blocks_.reserve(blocks_.size() + 1);  // first, so that what follows cannot lose the block
  std::byte* memory = reserve_pages(bytes);
  NF_CHECK(memory != nullptr, NF_OUT_OF_MEMORY,
           std::string("no memory for ") + what + ": " + std::to_string(bytes) + " bytes");
  blocks_.emplace_back(memory, bytes);
  return memory;
}

}  // namespace nf
