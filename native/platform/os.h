// What differs between operating systems: cores, pinning, and mapped files, and how core/sleep.h is
// done. Nothing else may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace nf {

// Cores this process may use: the affinity mask, cut to the cgroup's CPU quota. At least 1.
uint32_t available_units();

// Pins the calling thread to the unit-th core of the affinity mask (modulo their number).
void pin_to_unit(uint32_t unit);

// Names the calling thread for tools such as top, where the system can; at most 15 characters.
void name_thread(const char* name);

// Zeroed memory from the system; huge pages where the system offers them. Null when there is none.
std::byte* reserve_pages(size_t bytes);
void free_pages(std::byte* memory, size_t bytes);

// A read-only view of a range of a file.
class MappedRange {
 public:
  // Throws NF_IO with the path and the reason.
  MappedRange(const std::string& path, uint64_t offset, uint64_t num_bytes);
  ~MappedRange();
  MappedRange(const MappedRange&) = delete;
  MappedRange& operator=(const MappedRange&) = delete;

  const std::byte* data() const { return data_; }

 private:
  const std::byte* data_ = nullptr;
  void* mapping_ = nullptr;
  size_t mapped_bytes_ = 0;
};

}  // namespace nf
