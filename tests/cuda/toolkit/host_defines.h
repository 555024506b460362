// The words that mark device code, as they read when a block's threads run on the host.
#pragma once

// libstdc++ spells an attribute __noinline__, so its headers that do must come first.
#include <memory>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) __attribute__((aligned(bytes)))

// One block runs at a time on a thread of the host, so that thread's copy is the block's. As on a
// device it keeps what an earlier block left in it.
#define __shared__ static thread_local
