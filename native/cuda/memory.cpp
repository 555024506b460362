#include "cuda/memory.h"

#include <cstring>
#include <string>

#include "cuda/errors.h"

namespace nf::cuda {

namespace {

constexpr size_t kSmallest = 256;  // an address for arrays without elements

std::string megabytes(size_t bytes) {
  return std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB";
}

[[noreturn]] void refuse(const char* what, size_t bytes) {
  cudaGetLastError();
  size_t free = 0;
  size_t total = 0;
  const bool known = cudaMemGetInfo(&free, &total) == cudaSuccess;
  throw Error(NF_OUT_OF_MEMORY,
              std::string("no device memory for ") + what + ": " + megabytes(bytes) +
                  " are wanted" +
                  (known ? ", " + megabytes(free) + " of " + megabytes(total) + " are free" : ""));
}

}  // namespace

DeviceMemory::~DeviceMemory() {
  for (void* block : blocks_) cudaFree(block);
  for (void* block : pinned_) cudaFreeHost(block);
}

std::byte* DeviceMemory::allocate(size_t bytes, const char* what) {
  if (bytes == 0) bytes = kSmallest;
  blocks_.reserve(blocks_.size() + 1);  // first, so that what follows cannot lose the block
  void* block = nullptr;
  const cudaError_t error = cudaMalloc(&block, bytes);
  if (error == cudaErrorMemoryAllocation) refuse(what, bytes);
  check(error, what);
  blocks_.push_back(block);
  check(cudaMemset(block, 0, bytes), what);
  check(cudaDeviceSynchronize(), what);  // no stream of ours waits for the default stream
  return static_cast<std::byte*>(block);
}

std::byte* DeviceMemory::allocate_pinned(size_t bytes, const char* what) {
  if (bytes == 0) bytes = kSmallest;
  pinned_.reserve(pinned_.size() + 1);
  void* block = nullptr;
  const cudaError_t error = cudaHostAlloc(&block, bytes, cudaHostAllocPortable);
  NF_CHECK(error != cudaErrorMemoryAllocation, NF_OUT_OF_MEMORY,
           std::string("no pinned host memory for ") + what + ": " + megabytes(bytes));
  check(error, what);
  pinned_.push_back(block);
  std::memset(block, 0, bytes);
  return static_cast<std::byte*>(block);
}

}  // namespace nf::cuda
