// The emulation of matrix instructions and of copies that arrive later: layouts against what ptx.h
// says, products against plain sums, and that a missing wait is seen.
#include <cuda_runtime.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "../native/check.h"
#include "cuda/launch.h"
#include "cuda/operand.h"
#include "cuda/ptx.h"

namespace {

using emulation::Order;
namespace ptx = nf::cuda::ptx;

constexpr Order kOrders[] = {Order::kForward, Order::kBackward, Order::kShuffled};

template <typename T>
std::vector<T> random_matrix(size_t elements, std::mt19937_64& random) {
  std::vector<T> matrix(elements);
  for (T& value : matrix) {
    value = nf::cuda::narrow<T>(static_cast<float>(random() % 2001) / 1000.0f - 1.0f);
  }
  return matrix;
}

__global__ void load_kernel(const uint16_t* x, uint32_t* plain, uint32_t* transposed,
                            uint32_t* turned) {
  alignas(16) __shared__ uint16_t tile[256];
  for (uint32_t i = threadIdx.x; i < 256; i += 32) tile[i] = x[i];
  __syncwarp();
  const void* row = &tile[threadIdx.x * 8];
  uint32_t registers[4];
  ptx::load_matrices(registers, row);
  for (int i = 0; i < 4; ++i) plain[threadIdx.x * 4 + i] = registers[i];
  for (int i = 0; i < 4; ++i) {
    turned[threadIdx.x * 4 + i] = ptx::transpose_matrix(registers[i]);
  }
  ptx::load_matrices_transposed(registers, row);
  for (int i = 0; i < 4; ++i) transposed[threadIdx.x * 4 + i] = registers[i];
}

TEST("matrices are loaded and transposed as ptx.h says") {
  std::vector<uint16_t> x(256);
  for (size_t i = 0; i < 256; ++i) x[i] = static_cast<uint16_t>(i * 3);
  const auto pair = [&](uint32_t low, uint32_t high) { return uint32_t{x[high]} << 16 | x[low]; };
  for (const Order order : kOrders) {
    const emulation::Schedule schedule(order, test::seed());
    std::vector<uint32_t> plain(128), transposed(128), turned(128);
    NF_LAUNCH(load_kernel, 1, 32, 0, nullptr, x.data(), plain.data(), transposed.data(),
              turned.data());
    for (uint32_t lane = 0; lane < 32; ++lane) {
      for (uint32_t i = 0; i < 4; ++i) {
        const uint32_t at = i * 64 + lane / 4 * 8 + lane % 4 * 2;
        const uint32_t across = i * 64 + lane % 4 * 16 + lane / 4;
        CHECK_EQ(plain[lane * 4 + i], pair(at, at + 1));
        CHECK_EQ(transposed[lane * 4 + i], pair(across, across + 8));
        CHECK_EQ(turned[lane * 4 + i], pair(across, across + 8));
      }
    }
  }
}

// One warp: c[16, 8] += a[16, 16] * b[16, 8], registers filled by the rule in ptx.h.
template <typename T>
__global__ void multiply_kernel(const T* a, const T* b, float* c) {
  const uint32_t g = threadIdx.x / 4, t = threadIdx.x % 4 * 2;
  uint32_t left[4], right[2];
  for (uint32_t i = 0; i < 4; ++i) {
    memcpy(&left[i], &a[(g + i % 2 * 8) * 16 + t + i / 2 * 8], 4);
  }
  for (uint32_t i = 0; i < 2; ++i) {
    const T pair[2] = {b[(t + i * 8) * 8 + g], b[(t + i * 8 + 1) * 8 + g]};
    memcpy(&right[i], pair, 4);
  }
  float sum[4];
  for (uint32_t i = 0; i < 4; ++i) sum[i] = c[(g + i / 2 * 8) * 8 + t + i % 2];
  ptx::multiply_16x8x16<T>(sum, left, right);
  for (uint32_t i = 0; i < 4; ++i) c[(g + i / 2 * 8) * 8 + t + i % 2] = sum[i];
}

template <typename T>
void check_multiply() {
  std::mt19937_64 random(test::seed());
  const std::vector<T> a = random_matrix<T>(256, random), b = random_matrix<T>(128, random);
  for (const Order order : kOrders) {
    const emulation::Schedule schedule(order, test::seed());
    std::vector<float> c(128, 0.25f);
    NF_LAUNCH(multiply_kernel<T>, 1, 32, 0, nullptr, a.data(), b.data(), c.data());
    for (size_t row = 0; row < 16; ++row) {
      for (size_t column = 0; column < 8; ++column) {
        double sum = 0.25;
        for (size_t k = 0; k < 16; ++k) {
          sum += double{nf::cuda::widen(a[row * 16 + k])} * nf::cuda::widen(b[k * 8 + column]);
        }
        CHECK(std::abs(sum - c[row * 8 + column]) < 1e-5);
      }
    }
  }
}

TEST("a warp multiplies bf16 matrices") { check_multiply<__nv_bfloat16>(); }
TEST("a warp multiplies fp16 matrices") { check_multiply<__half>(); }

__global__ void half_a_warp_multiplies() {
  float c[4] = {};
  const uint32_t a[4] = {}, b[2] = {};
  if (threadIdx.x % 2 == 0) return;
  ptx::multiply_16x8x16<__half>(c, a, b);
}

TEST("a matrix instruction without all its lanes is reported") {
  std::string message;
  try {
    NF_LAUNCH(half_a_warp_multiplies, 1, 32, 0, nullptr);
  } catch (const emulation::KernelError& error) {
    message = error.what();
  }
  CHECK(message.find("multiply_16x8x16") != std::string::npos);
}

// Copies stage after stage through two buffers; `waits` pending groups are too many by one when 2.
template <int waits>
__global__ void staged_sum(const float* x, int stages, float* sum) {
  NF_DYNAMIC_SHARED(float, buffers);
  float* own = buffers + threadIdx.x * 4;
  const auto fetch = [&](int stage) {
    if (stage < stages) {
      ptx::async_copy_16(own + stage % 2 * 128, x + stage * 128 + threadIdx.x * 4, stage != 3);
    }
    ptx::async_commit();
  };
  fetch(0);
  float total = 0;
  for (int stage = 0; stage < stages; ++stage) {
    fetch(stage + 1);
    ptx::async_wait<waits>();
    for (int i = 0; i < 4; ++i) total += own[stage % 2 * 128 + i];
  }
  ptx::async_wait<0>();
  sum[threadIdx.x] = total;
}

TEST("cp.async arrives at its wait, and a missing wait is seen") {
  std::vector<float> x(5 * 128), sum(32), early(32);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  NF_LAUNCH(staged_sum<1>, 1, 32, 1024, nullptr, x.data(), 5, sum.data());
  NF_LAUNCH(staged_sum<2>, 1, 32, 1024, nullptr, x.data(), 5, early.data());
  for (size_t thread = 0; thread < 32; ++thread) {
    float expected = 0;
    for (size_t stage = 0; stage < 5; ++stage) {
      for (size_t i = 0; i < 4; ++i) {
        if (stage != 3) expected += x[stage * 128 + thread * 4 + i];
      }
    }
    CHECK_EQ(sum[thread], expected);
    CHECK(std::isnan(early[thread]));
  }
}

// One producer thread, one consumer warp, two stages of 512 bytes. Without `wait_full` consumers
// read what has not come; without `wait_empty` the producer overwrites what is being read.
template <bool wait_full, bool wait_empty>
__global__ void pipeline(const float* x, int tiles, float* sums) {
  NF_DYNAMIC_SHARED(float, buffers);
  uint64_t* full = reinterpret_cast<uint64_t*>(buffers + 256);
  uint64_t* empty = full + 2;
  if (threadIdx.x == 0) {
    for (int i = 0; i < 2; ++i) {
      ptx::barrier_init(&full[i], 1);
      ptx::barrier_init(&empty[i], 32);
    }
    ptx::fence_barrier_init();
  }
  __syncthreads();
  if (threadIdx.x >= 32) {
    if (threadIdx.x != 32) return;
    for (int tile = 0; tile < tiles; ++tile) {
      const uint32_t stage = tile % 2, round = tile / 2;
      if (wait_empty) ptx::barrier_wait(&empty[stage], (round & 1) ^ 1);
      ptx::barrier_expect_bytes(&full[stage], 512);
      ptx::bulk_copy(buffers + stage * 128, x + tile * 128, 256, &full[stage]);
      ptx::bulk_copy(buffers + stage * 128 + 64, x + tile * 128 + 64, 256, &full[stage]);
    }
    // What is under way when the block ends would be lost.
    for (int stage = 0; stage < 2; ++stage) ptx::barrier_wait(&full[stage], (tiles / 2 - 1) & 1);
    return;
  }
  float sum = 0;
  for (int tile = 0; tile < tiles; ++tile) {
    const uint32_t stage = tile % 2, round = tile / 2;
    if (wait_full) ptx::barrier_wait(&full[stage], round & 1);
    for (int i = 0; i < 4; ++i) sum += buffers[stage * 128 + threadIdx.x * 4 + i];
    ptx::barrier_arrive(&empty[stage]);
  }
  sums[threadIdx.x] = sum;
}

TEST(
    "a pipeline of bulk copies gives the same sums under every schedule, and only with its waits") {
  std::vector<float> x(8 * 128), expected(32);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i);
    expected[i % 128 / 4] += x[i];
  }
  int wrong_full = 0, wrong_empty = 0;
  const auto differs = [&](auto kernel) {
    std::vector<float> sums(32);
    try {
      NF_LAUNCH(kernel, 1, 64, 1056, nullptr, x.data(), 8, sums.data());
    } catch (const emulation::KernelError&) {
      return true;
    }
    return sums != expected;
  };
  for (const Order order : kOrders) {
    for (uint64_t i = 0; i < 10; ++i) {
      const emulation::Schedule schedule(order, test::seed() + i);
      CHECK(!differs(&pipeline<true, true>));
      wrong_full += differs(&pipeline<false, true>);
      wrong_empty += differs(&pipeline<true, false>);
    }
  }
  CHECK_EQ(wrong_full, 30);
  CHECK_EQ(wrong_empty, 30);
}

CUtensorMap map_of(const void* matrix, uint64_t rows, uint64_t columns, uint32_t box_rows,
                   CUtensorMapSwizzle swizzle) {
  CUtensorMap map;
  const cuuint64_t sizes[2] = {columns, rows};
  const cuuint64_t strides[1] = {columns * 2};
  const cuuint32_t box[2] = {64, box_rows};
  const cuuint32_t steps[2] = {1, 1};
  REQUIRE(cuTensorMapEncodeTiled(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2,
                                 const_cast<void*>(matrix), sizes, strides, box, steps,
                                 CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle,
                                 CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
                                 CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS);
  return map;
}

__global__ void fetch_box(const __grid_constant__ CUtensorMap map, int column, int row,
                          uint16_t* box) {
  NF_DYNAMIC_SHARED(uint16_t, tile);
  __shared__ uint64_t arrived;
  if (threadIdx.x == 0) ptx::barrier_init(&arrived, 1);
  __syncthreads();
  if (threadIdx.x == 0) {
    ptx::barrier_expect_bytes(&arrived, 16 * 128);
    ptx::tensor_copy_2d(tile, &map, column, row, &arrived);
  }
  ptx::barrier_wait(&arrived, 0);
  for (uint32_t i = threadIdx.x; i < 16 * 64; i += blockDim.x) box[i] = tile[i];
}

TEST("a tensor copy brings a box, zeros beyond the matrix, and swizzles") {
  std::vector<uint16_t> x(40 * 72), box(16 * 64);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint16_t>(i + 1);
  struct Corner {
    int column, row;
  };
  for (const CUtensorMapSwizzle swizzle :
       {CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_SWIZZLE_128B}) {
    const CUtensorMap map = map_of(x.data(), 40, 72, 16, swizzle);
    for (const auto [column, row] : {Corner{0, 0}, Corner{8, 24}, Corner{64, 32}, Corner{-8, -3}}) {
      NF_LAUNCH(fetch_box, 1, 32, 16 * 128, nullptr, map, column, row, box.data());
      for (int r = 0; r < 16; ++r) {
        for (int c = 0; c < 64; ++c) {
          const int from_row = row + r, from_column = column + c;
          const bool inside =
              from_row >= 0 && from_row < 40 && from_column >= 0 && from_column < 72;
          const int chunk = swizzle == CU_TENSOR_MAP_SWIZZLE_NONE ? c / 8 : (c / 8) ^ (r % 8);
          const uint16_t expected =
              inside ? x[static_cast<size_t>(from_row * 72 + from_column)] : uint16_t{0};
          CHECK_EQ(box[static_cast<size_t>(r * 64 + chunk * 8 + c % 8)], expected);
        }
      }
    }
  }
}

// d[64, 64] = a[64, 128] * b^T, b [64 of N, 128 of K], both by tensor copies; then e = d' * v, with
// d' = d narrowed in registers and v [64 of K, 64 of N].
template <typename T, bool wait>
__global__ void warpgroup_products(const __grid_constant__ CUtensorMap a,
                                   const __grid_constant__ CUtensorMap b,
                                   const __grid_constant__ CUtensorMap v, float* d, float* e) {
  NF_DYNAMIC_SHARED(unsigned char, shared);
  T* tiles[5];
  for (int i = 0; i < 5; ++i) tiles[i] = reinterpret_cast<T*>(shared + i * 8192);
  uint64_t* arrived = reinterpret_cast<uint64_t*>(shared + 5 * 8192);
  if (threadIdx.x == 0) {
    ptx::barrier_init(arrived, 1);
    ptx::fence_barrier_init();
    ptx::barrier_expect_bytes(arrived, 5 * 8192);
    for (int i = 0; i < 2; ++i) {
      ptx::tensor_copy_2d(tiles[i], &a, i * 64, 0, arrived);
      ptx::tensor_copy_2d(tiles[2 + i], &b, i * 64, 0, arrived);
    }
    ptx::tensor_copy_2d(tiles[4], &v, 0, 0, arrived);
  }
  __syncthreads();
  ptx::barrier_wait(arrived, 0);
  float sum[32];
  ptx::fence_products();
  for (int half = 0; half < 2; ++half) {
    for (int k = 0; k < 4; ++k) {
      ptx::multiply_64x64x16<T>(sum, ptx::swizzled_matrix(tiles[half] + k * 16),
                                ptx::swizzled_matrix(tiles[2 + half] + k * 16), half + k > 0);
    }
  }
  ptx::commit_products();
  if (wait) ptx::wait_products<0>();
  float product[32];
  ptx::fence_products();
  for (int k = 0; k < 4; ++k) {
    uint32_t left[4];
    for (int i = 0; i < 4; ++i) {
      const float* pair = sum + (2 * k + i / 2) * 4 + i % 2 * 2;
      left[i] = nf::cuda::narrow_pair<T>(pair[0], pair[1]);
    }
    ptx::multiply_64x64x16<T>(product, left, ptx::swizzled_matrix(tiles[4] + k * 1024), k > 0);
  }
  ptx::commit_products();
  ptx::wait_products<0>();
  const uint32_t row = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4;
  for (uint32_t i = 0; i < 32; ++i) {
    const uint32_t at = (row + i % 4 / 2 * 8) * 64 + i / 4 * 8 + threadIdx.x % 4 * 2 + i % 2;
    d[at] = sum[i];
    e[at] = product[i];
  }
}

template <typename T>
void check_warpgroup() {
  std::mt19937_64 random(test::seed());
  const std::vector<T> a = random_matrix<T>(64 * 128, random),
                       b = random_matrix<T>(64 * 128, random);
  const std::vector<T> v = random_matrix<T>(64 * 64, random);
  std::vector<double> expected(64 * 64);
  for (size_t row = 0; row < 64; ++row) {
    for (size_t n = 0; n < 64; ++n) {
      for (size_t k = 0; k < 128; ++k) {
        expected[row * 64 + n] +=
            double{nf::cuda::widen(a[row * 128 + k])} * nf::cuda::widen(b[n * 128 + k]);
      }
    }
  }
  const CUtensorMap a_map = map_of(a.data(), 64, 128, 64, CU_TENSOR_MAP_SWIZZLE_128B);
  const CUtensorMap b_map = map_of(b.data(), 64, 128, 64, CU_TENSOR_MAP_SWIZZLE_128B);
  const CUtensorMap v_map = map_of(v.data(), 64, 64, 64, CU_TENSOR_MAP_SWIZZLE_128B);
  for (const Order order : kOrders) {
    const emulation::Schedule schedule(order, test::seed());
    std::vector<float> d(64 * 64), e(64 * 64);
    NF_LAUNCH((warpgroup_products<T, true>), 1, 128, 5 * 8192 + 8, nullptr, a_map, b_map, v_map,
              d.data(), e.data());
    double worst = 0;
    for (size_t row = 0; row < 64; ++row) {
      for (size_t n = 0; n < 64; ++n) {
        worst = std::max(worst, std::abs(expected[row * 64 + n] - d[row * 64 + n]));
        double sum = 0;
        for (size_t k = 0; k < 64; ++k) {
          sum += double{nf::cuda::widen(nf::cuda::narrow<T>(d[row * 64 + k]))} *
                 nf::cuda::widen(v[k * 64 + n]);
        }
        worst = std::max(worst, std::abs(sum - e[row * 64 + n]));
      }
    }
    CHECK(worst < 1e-3);
    NF_LAUNCH((warpgroup_products<T, false>), 1, 128, 5 * 8192 + 8, nullptr, a_map, b_map, v_map,
              d.data(), e.data());
    CHECK(std::isnan(e[0]));
  }
}

TEST("a warpgroup multiplies bf16 matrices in shared memory and in registers") {
  check_warpgroup<__nv_bfloat16>();
}
TEST("a warpgroup multiplies fp16 matrices in shared memory and in registers") {
  check_warpgroup<__half>();
}

}  // namespace
