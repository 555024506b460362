#include <algorithm>

#include "cuda/kernels/random_operands.h"
#include "cuda/launch.h"
#include "cuda/operand.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kThreads = 256;
constexpr size_t kMaxBlocks = 1024;

// Uniform in [-1, 1), from the index alone.
__device__ inline float noise(uint64_t index) {
  uint64_t bits = (index + 1) * 0x9e3779b97f4a7c15ull;
  bits = (bits ^ (bits >> 31)) * 0xbf58476d1ce4e5b9ull;
  return static_cast<float>(static_cast<int32_t>(bits >> 32)) * 0x1p-31f;
}

template <typename T>
__global__ void fill_kernel(T* memory, size_t count) {
  const size_t step = size_t{gridDim.x} * blockDim.x;
  for (size_t i = size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    memory[i] = narrow<T>(noise(i));
  }
}

template <DType dtype>
void fill(std::byte* memory, size_t bytes, cudaStream_t stream) {
  const size_t count = bytes / size_of(dtype);
  const size_t blocks = std::min(kMaxBlocks, (count + kThreads - 1) / kThreads);
  if (blocks == 0) return;
  NF_LAUNCH(fill_kernel<Operand<dtype>>, static_cast<uint32_t>(blocks), kThreads, 0, stream,
            reinterpret_cast<Operand<dtype>*>(memory), count);
}

}  // namespace

void fill_operands(DType dtype, std::byte* memory, size_t bytes, cudaStream_t stream) {
  if (dtype == DType::kBF16) fill<DType::kBF16>(memory, bytes, stream);
  if (dtype == DType::kF16) fill<DType::kF16>(memory, bytes, stream);
  if (dtype == DType::kF32) fill<DType::kF32>(memory, bytes, stream);
}

}  // namespace nf::cuda
