// What a warp does with matrices in registers: ldmatrix, movmatrix, mma; and the cp.async copies of
// a thread.
#include "emulation/matrices.h"

#include <cstring>
#include <vector>

#include "emulation/block.h"
#include "emulation/ptx.h"

namespace emulation {
namespace {

void check_shared_row(const void* address) {
  if (reinterpret_cast<uintptr_t>(address) % 16 != 0) {
    fail("an address in shared memory is not aligned to 16 bytes");
  }
}

struct LoadOperands {
  uint32_t* registers;
  const void* row;
  bool transposed;
};

template <typename T>
T& operands_of(Warp::Exchange& lanes, uint32_t lane) {
  return *reinterpret_cast<T*>(lanes.values[lane]);
}

void load_all(Warp::Exchange& lanes) {
  const bool transposed = operands_of<LoadOperands>(lanes, 0).transposed;
  for (uint32_t matrix = 0; matrix < 4; ++matrix) {
    uint16_t elements[8][8];
    for (uint32_t row = 0; row < 8; ++row) {
      const void* address = operands_of<LoadOperands>(lanes, matrix * 8 + row).row;
      check_shared_row(address);
      std::memcpy(elements[row], address, 16);
    }
    for (uint32_t lane = 0; lane < 32; ++lane) {
      const uint32_t major = lane / 4, minor = lane % 4 * 2;
      const uint32_t low = transposed ? elements[minor][major] : elements[major][minor];
      const uint32_t high = transposed ? elements[minor + 1][major] : elements[major][minor + 1];
      operands_of<LoadOperands>(lanes, lane).registers[matrix] = high << 16 | low;
    }
  }
}

struct MultiplyOperands {
  float* c;
  const uint32_t* a;
  const uint32_t* b;
};

template <Element element>
void multiply_all(Warp::Exchange& lanes) {
  float a[16][16], b[16][8], c[16][8];
  for (uint32_t lane = 0; lane < 32; ++lane) {
    const MultiplyOperands& own = operands_of<MultiplyOperands>(lanes, lane);
    const uint32_t g = lane / 4, t = lane % 4 * 2;
    for (uint32_t i = 0; i < 4; ++i) {
      float* to = &a[g + i % 2 * 8][t + i / 2 * 8];
      to[0] = widen<element>(low_half(own.a[i]));
      to[1] = widen<element>(high_half(own.a[i]));
    }
    for (uint32_t i = 0; i < 2; ++i) {
      b[t + i * 8][g] = widen<element>(low_half(own.b[i]));
      b[t + i * 8 + 1][g] = widen<element>(high_half(own.b[i]));
    }
    for (uint32_t i = 0; i < 4; ++i) c[g + i / 2 * 8][t + i % 2] = own.c[i];
  }
  for (uint32_t row = 0; row < 16; ++row) {
    for (uint32_t k = 0; k < 16; ++k) {
      for (uint32_t column = 0; column < 8; ++column) c[row][column] += a[row][k] * b[k][column];
    }
  }
  for (uint32_t lane = 0; lane < 32; ++lane) {
    float* own = operands_of<MultiplyOperands>(lanes, lane).c;
    for (uint32_t i = 0; i < 4; ++i) own[i] = c[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
  }
}

}  // namespace

void load_matrices(uint32_t* registers, const void* shared_row, bool transposed) {
  LoadOperands operands{registers, shared_row, transposed};
  Block::current().meet_warp(transposed ? "load_matrices_transposed" : "load_matrices",
                             reinterpret_cast<uint64_t>(&operands), true, &load_all);
}

uint32_t transpose_matrix(uint32_t value) {
  const Warp::Exchange& lanes = Block::current().meet_warp("transpose_matrix", value, true);
  // Row g of the result is column g: element (2t, g) stands with lane 2t * 4 + g / 2.
  const uint32_t g = fiber->lane / 4, t = fiber->lane % 4 * 2;
  const auto element = [&](uint32_t row) {
    const auto pair = static_cast<uint32_t>(lanes.values[row * 4 + g / 2]);
    return uint32_t{g % 2 == 0 ? low_half(pair) : high_half(pair)};
  };
  return element(t + 1) << 16 | element(t);
}

void multiply_16x8x16(Element element, float* c, const uint32_t* a, const uint32_t* b) {
  MultiplyOperands operands{c, a, b};
  const bool half = element == Element::kF16;
  Block::current().meet_warp(half ? "multiply_16x8x16<__half>" : "multiply_16x8x16<__nv_bfloat16>",
                             reinterpret_cast<uint64_t>(&operands), true,
                             half ? &multiply_all<Element::kF16> : &multiply_all<Element::kBF16>);
}

void issue_async_copy(void* shared, const void* global, bool valid) {
  check_shared_row(shared);
  if (reinterpret_cast<uintptr_t>(global) % 16 != 0) {
    fail("async_copy_16 from an address that is not aligned to 16 bytes");
  }
  std::memset(shared, 0xff, 16);
  fiber->copies.push_back({shared, global, valid, fiber->copy_group});
}

void commit_async_copies() { ++fiber->copy_group; }

void wait_async_copies(uint32_t pending) {
  std::vector<AsyncCopy>& copies = fiber->copies;
  size_t arrived = 0;
  for (; arrived < copies.size(); ++arrived) {
    const AsyncCopy& copy = copies[arrived];
    if (copy.group + pending >= fiber->copy_group) break;
    if (copy.valid) {
      std::memcpy(copy.shared, copy.global, 16);
    } else {
      std::memset(copy.shared, 0, 16);
    }
  }
  copies.erase(copies.begin(), copies.begin() + static_cast<std::ptrdiff_t>(arrived));
}

void init_barrier(uint64_t* barrier, uint32_t arrivals) {
  Block::current().async().init(barrier, arrivals);
}

void arrive_at_barrier(uint64_t* barrier, uint32_t expected_bytes) {
  Block::current().async().arrive(barrier, expected_bytes);
}

void wait_for_barrier(uint64_t* barrier, uint32_t parity) {
  Block::current().async().wait(barrier, parity);
}

void issue_bulk_copy(void* shared, const void* global, uint32_t bytes, uint64_t* barrier) {
  Block::current().async().bulk_copy(shared, global, bytes, barrier);
}

void issue_tensor_copy(void* shared, const CUtensorMap* map, int column, int row,
                       uint64_t* barrier) {
  Block::current().async().tensor_copy_2d(shared, decode(map), column, row, barrier);
}

}  // namespace emulation
