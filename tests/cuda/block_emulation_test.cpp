// The emulation of a block's threads: barriers, warp intrinsics, orders of threads, and that what a
// device would answer with garbage or a hang is seen.
#include <cuda_runtime.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "../native/check.h"
#include "core/tensor.h"
#include "cuda/launch.h"
#include "cuda/operand.h"
#include "cuda/ptx.h"

namespace {

using emulation::Order;
namespace ptx = nf::cuda::ptx;

constexpr Order kOrders[] = {Order::kForward, Order::kBackward, Order::kShuffled};

// What the kernel was stopped for; empty when it was not.
std::string error_of(const std::function<void()>& launch) {
  try {
    launch();
  } catch (const emulation::KernelError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

__global__ void note_place(int* places) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
  places[block * threads + thread] += static_cast<int>(block * 100 + thread);
}

TEST("every thread of every block runs once") {
  for (const Order order : kOrders) {
    const emulation::Schedule schedule(order, test::seed());
    std::vector<int> places(24 * 30);
    NF_LAUNCH(note_place, dim3(2, 3, 4), dim3(5, 3, 2), 0, nullptr, places.data());
    for (int block = 0; block < 24; ++block) {
      for (int thread = 0; thread < 30; ++thread) {
        CHECK_EQ(places[static_cast<size_t>(block * 30 + thread)], block * 100 + thread);
      }
    }
  }
}

template <int lanes, bool twice>
__global__ void warp_sums(const float* x, float* sums, unsigned* votes) {
  float sum = x[threadIdx.x];
  for (int step = lanes / 2; step > 0; step /= 2) sum += __shfl_xor_sync(~0u, sum, step);
  sums[threadIdx.x] = twice ? 2 * sum : sum;
  votes[threadIdx.x] = __ballot_sync(~0u, x[threadIdx.x] > 40);
}

TEST("warps shuffle and vote") {
  std::vector<float> x(96), sums(96);
  std::vector<unsigned> votes(96);
  for (size_t i = 0; i < 96; ++i) x[i] = static_cast<float>(i);
  for (const Order order : kOrders) {
    const emulation::Schedule schedule(order, test::seed());
    NF_LAUNCH((warp_sums<32, true>), 1, 96, 0, nullptr, x.data(), sums.data(), votes.data());
    for (int i = 0; i < 96; ++i) {
      const int warp = i / 32;
      CHECK_EQ(sums[static_cast<size_t>(i)],
               2.0f * (32.0f * 32.0f * static_cast<float>(warp) + 496));
      CHECK_EQ(votes[static_cast<size_t>(i)], warp == 0 ? 0u : warp == 1 ? ~0u << 9 : ~0u);
    }
  }
}

__global__ void shift_lanes(int* up, int* down, int* from, int* any, int* all) {
  const int lane = static_cast<int>(threadIdx.x);
  up[lane] = __shfl_up_sync(~0u, lane, 3);
  down[lane] = __shfl_down_sync(~0u, lane, 3, 8);
  from[lane] = __shfl_sync(~0u, lane, 5, 16);
  any[lane] = __any_sync(~0u, lane == 7);
  all[lane] = __all_sync(~0u, lane != 7);
}

TEST("shuffles stay within their width") {
  int up[32], down[32], from[32], any[32], all[32];
  NF_LAUNCH(shift_lanes, 1, 32, 0, nullptr, up, down, from, any, all);
  for (int lane = 0; lane < 32; ++lane) {
    CHECK_EQ(up[lane], lane < 3 ? lane : lane - 3);
    CHECK_EQ(down[lane], lane % 8 < 5 ? lane + 3 : lane);
    CHECK_EQ(from[lane], lane / 16 * 16 + 5);
    CHECK_EQ(any[lane], 1);
    CHECK_EQ(all[lane], 0);
  }
}

// Reverses a block's values through shared memory; without the barrier that depends on the order.
template <bool barrier>
__global__ void reverse(const int* x, int* y) {
  __shared__ int values[128];
  values[threadIdx.x] = x[threadIdx.x];
  if (barrier) __syncthreads();
  y[threadIdx.x] = values[127 - threadIdx.x];
}

TEST("a missing __syncthreads shows as results that differ between orders") {
  std::vector<int> x(128), expected(128);
  for (size_t i = 0; i < 128; ++i) x[i] = static_cast<int>(i) + 1;
  for (size_t i = 0; i < 128; ++i) expected[i] = x[127 - i];
  int right = 0;
  for (const Order order : kOrders) {
    const emulation::Schedule schedule(order, test::seed());
    std::vector<int> y(128), z(128);
    NF_LAUNCH(reverse<true>, 1, 128, 0, nullptr, x.data(), y.data());
    CHECK(y == expected);
    // What an earlier block left would be right by accident.
    std::vector<int> other(128, -1);
    NF_LAUNCH(reverse<false>, 1, 128, 0, nullptr, other.data(), z.data());
    NF_LAUNCH(reverse<false>, 1, 128, 0, nullptr, x.data(), z.data());
    right += z == expected;
  }
  CHECK_EQ(right, 0);
}

__global__ void count_votes(int* counts, int* any) {
  counts[threadIdx.x] = __syncthreads_count(threadIdx.x % 3 == 0);
  any[threadIdx.x] = __syncthreads_or(threadIdx.x == 70);
  any[threadIdx.x] += __syncthreads_or(0);
}

TEST("a block counts votes") {
  for (const Order order : kOrders) {
    const emulation::Schedule schedule(order, test::seed());
    std::vector<int> counts(100), any(100);
    NF_LAUNCH(count_votes, 1, 100, 0, nullptr, counts.data(), any.data());
    CHECK(counts == std::vector<int>(100, 34));
    CHECK(any == std::vector<int>(100, 1));
  }
}

__global__ void leave_early(int* after) {
  if (threadIdx.x >= 40) return;
  __syncthreads();
  const int sum = __shfl_xor_sync(~0u, 1, 1) + __popc(__ballot_sync(~0u, 1));
  after[threadIdx.x] = sum;
}

TEST("threads that have returned are not waited for") {
  for (const Order order : kOrders) {
    const emulation::Schedule schedule(order, test::seed());
    std::vector<int> after(64);
    NF_LAUNCH(leave_early, 1, 64, 0, nullptr, after.data());
    for (size_t i = 0; i < 64; ++i) CHECK_EQ(after[i], i < 32 ? 33 : i < 40 ? 9 : 0);
  }
}

__global__ void diverge() {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    __shfl_xor_sync(~0u, 1, 1);
  }
}
__global__ void diverge_in_warp() {
  if (threadIdx.x < 16) {
    __syncwarp();
  } else {
    __ballot_sync(~0u, 1);
  }
}

TEST("barriers that not all threads reach are reported") {
  for (const Order order : kOrders) {
    const emulation::Schedule schedule(order, test::seed());
    const std::string stuck = error_of([] { NF_LAUNCH(diverge, dim3(1, 2), 64, 0, nullptr); });
    CHECK(contains(stuck, "kernel diverge, block (0, "));
    CHECK(contains(stuck, "16 in __syncthreads"));
    CHECK(contains(stuck, "16 in __shfl_xor_sync"));
    CHECK(contains(stuck, "32 returned"));
    const std::string mixed = error_of([] { NF_LAUNCH(diverge_in_warp, 1, 32, 0, nullptr); });
    CHECK(contains(mixed, "__syncwarp") && contains(mixed, "__ballot_sync"));
  }
}

template <size_t wanted>
__global__ void fill_shared(float* first, bool overrun) {
  NF_DYNAMIC_SHARED(float, values);
  first[blockIdx.x] = values[threadIdx.x];
  values[threadIdx.x] = 1;
  if (overrun) values[wanted / sizeof(float)] = 1;
}

TEST("dynamic shared memory is garbage at first and ends where it was asked to") {
  float first[2] = {};
  NF_LAUNCH(fill_shared<1000>, 2, 32, 1000, nullptr, first, false);
  CHECK(std::isnan(first[0]) && std::isnan(first[1]));
  CHECK(contains(error_of([&] { NF_LAUNCH(fill_shared<1000>, 1, 32, 1000, nullptr, first, true); }),
                 "past the end"));
}

template <typename T>
__global__ void round_trip(const float* x, float* y, unsigned short* bits, unsigned count) {
  for (unsigned i = threadIdx.x; i < count; i += blockDim.x) {
    const T narrow = nf::cuda::narrow<T>(x[i]);
    memcpy(&bits[i], &narrow, 2);
    y[i] = nf::cuda::widen(narrow);
  }
}

TEST("16-bit floats round to nearest even, subnormals and infinities included") {
  std::vector<float> x;
  for (uint32_t high = 0; high < 65536; ++high) {
    for (const uint32_t low :
         {0x0000u, 0x0001u, 0x0fffu, 0x1000u, 0x1001u, 0x7fffu, 0x8000u, 0x8001u}) {
      x.push_back(std::bit_cast<float>(high << 16 | low));
    }
  }
  const auto count = static_cast<unsigned>(x.size());
  std::vector<float> y(count);
  std::vector<unsigned short> bits(count);
  NF_LAUNCH(round_trip<__nv_bfloat16>, 1, 32, 0, nullptr, x.data(), y.data(), bits.data(), count);
  int wrong = 0;
  for (size_t i = 0; i < count; ++i) {
    wrong += std::isnan(x[i]) ? bits[i] != 0x7fff : bits[i] != nf::to_bf16(x[i]).bits;
    wrong += std::bit_cast<uint32_t>(y[i]) != uint32_t{bits[i]} << 16;
  }
  CHECK_EQ(wrong, 0);
  NF_LAUNCH(round_trip<__half>, 1, 32, 0, nullptr, x.data(), y.data(), bits.data(), count);
  for (size_t i = 0; i < count; ++i) {
    if (std::isnan(x[i])) {
      wrong += bits[i] != 0x7fff;
      continue;
    }
    wrong += std::bit_cast<uint32_t>(y[i]) != std::bit_cast<uint32_t>(nf::half_to_float(bits[i]));
    // The compiler's own half is the measure.
    const _Float16 half = static_cast<_Float16>(x[i]);
    wrong += std::bit_cast<uint16_t>(half) != bits[i];
  }
  CHECK_EQ(wrong, 0);
}

__global__ void add_up(unsigned* sum, unsigned* largest, float* total) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(sum, i);
  atomicMax(largest, i);
  atomicAdd(total, 0.5f);
}

TEST("atomics of all blocks meet") {
  const emulation::Schedule schedule(Order::kShuffled, test::seed());
  unsigned sum = 0, largest = 0;
  float total = 0;
  NF_LAUNCH(add_up, 10, 100, 0, nullptr, &sum, &largest, &total);
  CHECK_EQ(sum, 499500u);
  CHECK_EQ(largest, 999u);
  CHECK_EQ(total, 500.0f);
}

__global__ void recurse_deeply(int* out, int depth);
int __noinline__ burn(int depth) {
  volatile char bytes[4096];
  bytes[0] = static_cast<char>(depth);
  return depth == 0 ? bytes[0] : burn(depth - 1) + bytes[0];
}
__global__ void recurse_deeply(int* out, int depth) { out[threadIdx.x] = burn(depth); }

TEST("threads have room for frames of tens of kilobytes") {
  int out[32] = {};
  NF_LAUNCH(recurse_deeply, 1, 32, 0, nullptr, out, 20);
  CHECK_EQ(out[31], 210);
}

}  // namespace
