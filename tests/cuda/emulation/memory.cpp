// Memory of the device and pinned memory of the host, and copies between them. Each allocation ends
// at a page that faults, and freed memory faults. Memory starts as NaNs.
#include <sys/mman.h>

#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "emulation/block.h"
#include "emulation/queue.h"

namespace emulation {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kAlignment = 256;

enum class MemoryKind { kPageable, kPinned, kDevice };

struct Allocation {
  MemoryKind kind;
  size_t bytes;
  void* region;
  size_t region_bytes;
};

struct Memory {
  std::map<const char*, Allocation> allocations;
  size_t in_use[3] = {};

  static Memory& get() {
    static Memory* memory = new Memory;
    return *memory;
  }
};

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

void* allocate(size_t bytes, MemoryKind kind) {
  const size_t body = round_up(round_up(bytes, kAlignment), kPage);
  const size_t region_bytes = body + 2 * kPage;
  void* region = mmap(nullptr, region_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (region == MAP_FAILED) return nullptr;
  char* first = static_cast<char*>(region);
  mprotect(first, kPage, PROT_NONE);
  mprotect(first + kPage + body, kPage, PROT_NONE);
  char* start = first + kPage + body - round_up(bytes, kAlignment);
  std::memset(start, 0xff, bytes);
  Memory& memory = Memory::get();
  memory.allocations[start] = {kind, bytes, region, region_bytes};
  memory.in_use[static_cast<int>(kind)] += bytes;
  return start;
}

bool release(void* start, MemoryKind kind) {
  Memory& memory = Memory::get();
  const auto found = memory.allocations.find(static_cast<char*>(start));
  if (found == memory.allocations.end() || found->second.kind != kind) return false;
  munmap(found->second.region, found->second.region_bytes);
  memory.in_use[static_cast<int>(kind)] -= found->second.bytes;
  memory.allocations.erase(found);
  return true;
}

// False when the bytes begin inside an allocation and end outside of it.
bool find(const void* address, size_t bytes, MemoryKind* kind) {
  const Memory& memory = Memory::get();
  const char* first = static_cast<const char*>(address);
  *kind = MemoryKind::kPageable;
  auto after = memory.allocations.upper_bound(first);
  if (after == memory.allocations.begin()) return true;
  const auto& [start, allocation] = *--after;
  if (first >= start + allocation.bytes) return true;
  *kind = allocation.kind;
  return first + bytes <= start + allocation.bytes;
}

cudaError_t check_direction(MemoryKind to, MemoryKind from, cudaMemcpyKind kind) {
  const bool to_device = to == MemoryKind::kDevice, from_device = from == MemoryKind::kDevice;
  switch (kind) {
    case cudaMemcpyHostToHost:
      return to_device || from_device ? cudaErrorInvalidValue : cudaSuccess;
    case cudaMemcpyHostToDevice:
      return !to_device || from_device ? cudaErrorInvalidValue : cudaSuccess;
    case cudaMemcpyDeviceToHost:
      return to_device || !from_device ? cudaErrorInvalidValue : cudaSuccess;
    case cudaMemcpyDeviceToDevice:
      return !to_device || !from_device ? cudaErrorInvalidValue : cudaSuccess;
    case cudaMemcpyDefault:
      return cudaSuccess;
  }
  return cudaErrorInvalidMemcpyDirection;
}

std::shared_ptr<const Work> transfer(size_t bytes, std::function<void()> run) {
  const double microseconds = 1 + static_cast<double>(bytes) / 50000;  // 50 GB/s
  return std::make_shared<Work>(Work{Work::kTransfer, microseconds, std::move(run)});
}

cudaError_t copy(Device::Lock& lock, void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                 cudaStream_t stream, bool wait) {
  if (bytes == 0) return cudaSuccess;
  if (to == nullptr || from == nullptr) return cudaErrorInvalidValue;
  MemoryKind to_kind, from_kind;
  if (!find(to, bytes, &to_kind) || !find(from, bytes, &from_kind)) return cudaErrorInvalidValue;
  const cudaError_t direction = check_direction(to_kind, from_kind, kind);
  if (direction != cudaSuccess) return direction;
  Device& device = Device::get();
  const bool captured = stream != nullptr && stream->capture != nullptr;
  if (from_kind == MemoryKind::kPageable && !captured) {
    // The runtime takes a copy of memory that is not pinned before it returns.
    const char* first = static_cast<const char*>(from);
    auto staged = std::make_shared<std::vector<char>>(first, first + bytes);
    return device.add(lock, stream,
                      transfer(bytes, [=] { std::memcpy(to, staged->data(), staged->size()); }));
  }
  const cudaError_t status =
      device.add(lock, stream, transfer(bytes, [=] { std::memmove(to, from, bytes); }));
  // It waits for a copy into memory that is not pinned.
  const bool to_pageable = to_kind == MemoryKind::kPageable && !captured;
  if (status == cudaSuccess && stream != nullptr && (wait || to_pageable)) {
    device.drain(lock, stream);
  }
  return status;
}

cudaError_t fill(Device::Lock& lock, void* memory, int value, size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  MemoryKind kind;
  if (!find(memory, bytes, &kind) || kind == MemoryKind::kPageable) return cudaErrorInvalidValue;
  return Device::get().add(lock, stream,
                           transfer(bytes, [=] { std::memset(memory, value, bytes); }));
}

cudaError_t pin(void** memory, size_t bytes) {
  if (memory == nullptr) return cudaErrorInvalidValue;
  if (Device::get().forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
  *memory = bytes == 0 ? nullptr : allocate(bytes, MemoryKind::kPinned);
  return bytes == 0 || *memory != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t give_back(Device::Lock& lock, void* memory, MemoryKind kind) {
  if (memory == nullptr) return cudaSuccess;
  if (Device::get().forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
  Device::get().drain_all(lock, false);  // as the runtime does
  return release(memory, kind) ? cudaSuccess : cudaErrorInvalidValue;
}

size_t in_use(MemoryKind kind) {
  const Device::Lock lock(Device::get().mutex());
  return Memory::get().in_use[static_cast<int>(kind)];
}

}  // namespace

size_t device_bytes_in_use() { return in_use(MemoryKind::kDevice); }
size_t pinned_bytes_in_use() { return in_use(MemoryKind::kPinned); }

}  // namespace emulation

using emulation::Device;

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return Device::get().call([&](Device::Lock&) {
    *total = Device::get().spec().memory;
    const size_t used =
        emulation::Memory::get().in_use[static_cast<int>(emulation::MemoryKind::kDevice)];
    *free = used < *total ? *total - used : 0;
    return cudaSuccess;
  });
}

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  return Device::get().call([&](Device::Lock&) {
    Device& device = Device::get();
    if (memory == nullptr) return cudaErrorInvalidValue;
    if (device.forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
    *memory = nullptr;
    if (bytes == 0) return cudaSuccess;
    const cudaError_t due =
        device.fail_if_due(device.allocations_to_fail, cudaErrorMemoryAllocation);
    if (due != cudaSuccess) return due;
    const size_t used =
        emulation::Memory::get().in_use[static_cast<int>(emulation::MemoryKind::kDevice)];
    if (bytes > device.spec().memory || used > device.spec().memory - bytes) {
      return cudaErrorMemoryAllocation;
    }
    *memory = emulation::allocate(bytes, emulation::MemoryKind::kDevice);
    return *memory != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}

cudaError_t cudaFree(void* memory) {
  return Device::get().call([&](Device::Lock& lock) {
    return emulation::give_back(lock, memory, emulation::MemoryKind::kDevice);
  });
}

cudaError_t cudaMallocHost(void** memory, size_t bytes, unsigned) {
  return Device::get().call([&](Device::Lock&) { return emulation::pin(memory, bytes); });
}

cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned) {
  return Device::get().call([&](Device::Lock&) { return emulation::pin(memory, bytes); });
}

cudaError_t cudaFreeHost(void* memory) {
  return Device::get().call([&](Device::Lock& lock) {
    return emulation::give_back(lock, memory, emulation::MemoryKind::kPinned);
  });
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return Device::get().call([&](Device::Lock& lock) {
    return emulation::copy(lock, to, from, bytes, kind, nullptr, true);
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return Device::get().call([&](Device::Lock& lock) {
    return emulation::copy(lock, to, from, bytes, kind, stream, false);
  });
}

cudaError_t cudaMemset(void* memory, int value, size_t bytes) {
  return Device::get().call(
      [&](Device::Lock& lock) { return emulation::fill(lock, memory, value, bytes, nullptr); });
}

cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  return Device::get().call(
      [&](Device::Lock& lock) { return emulation::fill(lock, memory, value, bytes, stream); });
}
