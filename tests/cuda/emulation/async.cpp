#include "emulation/async.h"

#include <cstring>
#include <utility>

#include "emulation/block.h"

namespace emulation {
namespace {

constexpr uint64_t kNoBytes = 1 << 22;
constexpr uint32_t kMaxArrivals = (1 << 20) - 2;
constexpr uint32_t kMaxBytes = (1 << 20) - 1;

// What is kept in the 64 bits of a barrier, as opaque to kernels as a device's. Shared memory that
// was not written since the block began is all ones, which no barrier is.
struct BarrierState {
  uint64_t phase = 0;
  uint64_t expected = 0;      // arrivals of a phase
  uint64_t pending = 0;       // of the phase under way
  uint64_t bytes = kNoBytes;  // that have yet to be copied, plus kNoBytes
};

BarrierState load(const uint64_t* barrier) {
  if (reinterpret_cast<uintptr_t>(barrier) % 8 != 0) fail("a barrier is not aligned to 8 bytes");
  const uint64_t bits = *barrier;
  const BarrierState state{bits & 1, bits >> 1 & 0xfffff, bits >> 21 & 0xfffff, bits >> 41};
  if (state.expected == 0 || state.expected > kMaxArrivals || state.pending > state.expected) {
    fail("a barrier was used that was not initialised");
  }
  return state;
}

void store(uint64_t* barrier, const BarrierState& state) {
  *barrier = state.phase | state.expected << 1 | state.pending << 21 | state.bytes << 41;
}

bool aligned(const void* address, size_t bytes) {
  return reinterpret_cast<uintptr_t>(address) % bytes == 0;
}

// Rows and columns outside the matrix are zeros; the swizzle is a function of the address.
void copy_box(char* shared, const TensorMap& map, int column, int row) {
  const uint32_t row_bytes = map.box_columns * map.element_bytes;
  for (uint32_t r = 0; r < map.box_rows; ++r) {
    const int64_t from_row = int64_t{row} + r;
    const bool row_exists = from_row >= 0 && from_row < static_cast<int64_t>(map.rows);
    for (uint32_t c = 0; c < map.box_columns; ++c) {
      const int64_t from_column = int64_t{column} + c;
      char* to = shared + size_t{r} * row_bytes + size_t{c} * map.element_bytes;
      if (map.swizzled) to = swizzled(to);
      if (row_exists && from_column >= 0 && from_column < static_cast<int64_t>(map.columns)) {
        const char* from = map.global + static_cast<uint64_t>(from_row) * map.row_bytes +
                           static_cast<uint64_t>(from_column) * map.element_bytes;
        std::memcpy(to, from, map.element_bytes);
      } else {
        std::memset(to, 0, map.element_bytes);
      }
    }
  }
}

}  // namespace

void AsyncUnit::reset(uint64_t seed) {
  random_ = Random(seed);
  static constexpr uint32_t kEagerness[] = {1, 4, 64, 1u << 31};
  eagerness_ = kEagerness[random_.below(4)];
  copies_.clear();
  waiters_.clear();
}

void AsyncUnit::add(const Copy& copy) {
  load(copy.barrier);
  // Until the copy has arrived nobody knows what is there.
  std::memset(copy.shared, 0xff, copy.bytes);
  copies_.push_back(copy);
}

void AsyncUnit::bulk_copy(void* shared, const void* global, uint32_t bytes, uint64_t* barrier) {
  if (!aligned(shared, 16) || !aligned(global, 16) || bytes % 16 != 0 || bytes == 0) {
    fail("bulk_copy wants addresses and bytes in multiples of 16");
  }
  add({static_cast<char*>(shared), static_cast<const char*>(global), bytes, {}, 0, 0, barrier});
}

void AsyncUnit::tensor_copy_2d(void* shared, const TensorMap& map, int column, int row,
                               uint64_t* barrier) {
  if (!aligned(shared, 128)) fail("tensor_copy_2d wants shared memory aligned to 128 bytes");
  add({static_cast<char*>(shared), nullptr, map.box_bytes(), map, column, row, barrier});
}

void AsyncUnit::complete_one() {
  const uint32_t chosen = random_.below(static_cast<uint32_t>(copies_.size()));
  std::swap(copies_[chosen], copies_.back());
  const Copy copy = copies_.back();
  copies_.pop_back();
  if (copy.global != nullptr) {
    std::memcpy(copy.shared, copy.global, copy.bytes);
  } else {
    copy_box(copy.shared, copy.map, copy.column, copy.row);
  }
  BarrierState state = load(copy.barrier);
  state.bytes -= copy.bytes;
  store(copy.barrier, state);
  flip_if_complete(copy.barrier);
}

void AsyncUnit::init(uint64_t* barrier, uint32_t arrivals) {
  if (!aligned(barrier, 8)) fail("a barrier is not aligned to 8 bytes");
  if (arrivals == 0 || arrivals > kMaxArrivals) fail("barrier_init with a wrong count of arrivals");
  store(barrier, {0, arrivals, arrivals, kNoBytes});
}

void AsyncUnit::arrive(uint64_t* barrier, uint32_t expected_bytes) {
  BarrierState state = load(barrier);
  if (state.pending == 0) fail("more arrivals at a barrier than its phase has");
  if (expected_bytes > kMaxBytes || state.bytes + expected_bytes > kNoBytes + kMaxBytes) {
    fail("a barrier is to wait for more than 2^20 - 1 bytes");
  }
  state.bytes += expected_bytes;
  --state.pending;
  store(barrier, state);
  flip_if_complete(barrier);
}

void AsyncUnit::flip_if_complete(uint64_t* barrier) {
  BarrierState state = load(barrier);
  if (state.pending != 0 || state.bytes != kNoBytes) return;
  state.phase ^= 1;
  state.pending = state.expected;
  store(barrier, state);
  size_t kept = 0;
  for (const Waiter& waiter : waiters_) {
    if (waiter.barrier == barrier) {
      Block::current().wake(*waiter.fiber);
    } else {
      waiters_[kept++] = waiter;
    }
  }
  waiters_.resize(kept);
}

void AsyncUnit::wait(uint64_t* barrier, uint32_t parity) {
  if (parity > 1) fail("the parity of a phase is 0 or 1");
  if (load(barrier).phase != parity) return;
  waiters_.push_back({fiber, barrier});
  Block::current().sleep("barrier_wait");
}

}  // namespace emulation
