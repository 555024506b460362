// Reductions over a warp and over a block. Their order is fixed by the number of threads, so that
// a row's result does not depend on what else is computed.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace nf::cuda {

constexpr uint32_t kWarpSize = 32;
constexpr uint32_t kMaxWarps = 32;  // of a block
constexpr uint32_t kAllLanes = ~0u;

__device__ inline uint32_t lane_index() { return threadIdx.x % kWarpSize; }
__device__ inline uint32_t warp_index() { return threadIdx.x / kWarpSize; }

struct Sum {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

struct Largest {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a < b ? b : a;
  }
};

// Over groups of `lanes` neighbours (a power of two); every lane gets its group's result.
template <typename Op, typename T>
__device__ inline T reduce_lanes(T value, uint32_t lanes) {
  for (uint32_t distance = lanes / 2; distance > 0; distance /= 2) {
    value = Op()(value, __shfl_xor_sync(kAllLanes, value, int(distance)));
  }
  return value;
}

template <typename Op, typename T>
__device__ inline T reduce_warp(T value) {
  return reduce_lanes<Op>(value, kWarpSize);
}

// Every thread gets the result. `shared` [kMaxWarps] is free again afterwards. Blocks are whole
// warps in one dimension; T() must be neutral: sums, and largest ones of what is not negative.
template <typename Op, typename T>
__device__ inline T reduce_block(T value, T* shared) {
  value = reduce_warp<Op>(value);
  if (lane_index() == 0) shared[warp_index()] = value;
  __syncthreads();
  value = lane_index() < blockDim.x / kWarpSize ? shared[lane_index()] : T();
  value = reduce_warp<Op>(value);
  __syncthreads();
  return value;
}

}  // namespace nf::cuda
