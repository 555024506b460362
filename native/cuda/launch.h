// How a kernel is launched and gets its dynamic shared memory. The tests compile the same sources
// for the host, where tests/cuda/emulation/ stands for the toolkit and runs a block's threads as
// fibers: that is why no kernel is launched, and no dynamic shared memory declared, in another way.
#pragma once

#include <cuda_runtime.h>

#if !defined(NF_LAUNCH)

// The launch is checked when the step is (cuda/errors.h): kernels return no status of their own.
#define NF_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
  kernel<<<(grid), (block), (shared_bytes), (stream)>>>(__VA_ARGS__)

// T* name: the dynamic shared memory of the block, 1024-byte aligned as swizzled copies want it.
#define NF_DYNAMIC_SHARED(T, name)                                \
  extern __shared__ __align__(1024) unsigned char name##_bytes[]; \
  T* name = reinterpret_cast<T*>(name##_bytes)

#endif
