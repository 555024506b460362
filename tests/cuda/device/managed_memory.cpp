// In the test program for a real device all C++ memory is managed memory: the cases that every
// backend's kernels run keep their data in vectors, and kernels read them where they lie. Where
// there is no device, it is plain memory.
//
// One region is taken from the driver at the first allocation and never given back; blocks are
// powers of two, and freed ones wait in a list for the next of their size.
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>

namespace {

constexpr size_t kRegionBytes = size_t{4} << 30;
constexpr size_t kSmallest = 256;  // every block is aligned for every kernel
constexpr int kClasses = 40;

struct Block {
  Block* next;
};

class Region {
 public:
  void* allocate(size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (!open()) return nullptr;
    const int size_class = class_of(bytes);
    if (Block* block = free_[size_class]) {
      free_[size_class] = block->next;
      return block;
    }
    const size_t size = kSmallest << size_class;
    if (size > kRegionBytes - used_) return nullptr;
    std::byte* block = begin_ + used_;
    used_ += size;
    sizes_[static_cast<size_t>(block - begin_) / kSmallest] = static_cast<uint8_t>(size_class);
    return block;
  }

  bool release(void* pointer) {
    auto* block = static_cast<std::byte*>(pointer);
    if (begin_ == nullptr || block < begin_ || block >= begin_ + kRegionBytes) return false;
    const std::lock_guard lock(mutex_);
    const int size_class = sizes_[static_cast<size_t>(block - begin_) / kSmallest];
    free_[size_class] = ::new (pointer) Block{free_[size_class]};
    return true;
  }

 private:
  static int class_of(size_t bytes) {
    int size_class = 0;
    while (kSmallest << size_class < bytes) ++size_class;
    return size_class;
  }

  bool open() {
    if (opened_) return begin_ != nullptr;
    opened_ = true;
    int devices = 0;
    void* memory = nullptr;
    const bool there = cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0 &&
                       cudaMallocManaged(&memory, kRegionBytes) == cudaSuccess;
    sizes_ = static_cast<uint8_t*>(std::calloc(kRegionBytes / kSmallest, 1));
    begin_ = there && sizes_ != nullptr ? static_cast<std::byte*>(memory) : nullptr;
    return begin_ != nullptr;
  }

  std::mutex mutex_;
  bool opened_ = false;
  std::byte* begin_ = nullptr;
  size_t used_ = 0;
  uint8_t* sizes_ = nullptr;  // by the place of a block: its class
  Block* free_[kClasses] = {};
};

Region& region() {
  // Never destroyed: objects that outlive main free their memory too.
  alignas(Region) static std::byte memory[sizeof(Region)];
  static Region* const shared = ::new (memory) Region();
  return *shared;
}

// The toolkit may allocate while the region is opened.
thread_local bool inside = false;

void* take(size_t bytes, size_t alignment) {
  void* memory = nullptr;
  if (!inside && alignment <= kSmallest) {
    inside = true;
    memory = region().allocate(bytes);
    inside = false;
  }
  if (memory == nullptr) {
    const size_t least = alignment < sizeof(void*) ? sizeof(void*) : alignment;
    memory = std::aligned_alloc(least, (bytes + least) / least * least);
  }
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void give_back(void* memory) noexcept {
  if (memory != nullptr && !region().release(memory)) std::free(memory);
}

}  // namespace

void* operator new(size_t bytes) { return take(bytes, alignof(std::max_align_t)); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  return take(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { give_back(memory); }
