// The threads of a block as fibers of one host thread: stacks, and the switch between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "vector_types.h"

namespace emulation {

// A kernel did what a device would punish with wrong results, a hang or a fault.
struct KernelError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// cp.async of 16 bytes that has been issued but not waited for.
struct AsyncCopy {
  void* shared;
  const void* global;
  bool valid;
  uint32_t group;
};

enum class Element : uint8_t { kBF16, kF16 };

// A wgmma that has been issued but not waited for.
struct Product {
  uint64_t a;  // a matrix in shared memory, unless from_registers
  uint64_t b;
  uint32_t registers[4];
  bool from_registers;
  bool add;
  Element element;
  uint32_t accumulator;  // index in Fiber::accumulators
  uint32_t group;

  bool same_instruction(const Product& other) const {
    return a == other.a && b == other.b && from_registers == other.from_registers &&
           add == other.add && element == other.element;
  }
};

// The values of an accumulator while products on it are under way; its home holds garbage then.
struct Accumulator {
  float* home;
  float value[32];
};

struct Fiber {
  uint3 thread{};  // threadIdx
  uint32_t index = 0, lane = 0, warp = 0;
  void* stack_pointer = nullptr;
  char* stack = nullptr;
  size_t stack_bytes = 0;
  void* sanitizer_stack = nullptr;
  const char* waits_for = nullptr;  // what stands in the way of going on; null: nothing
  bool done = false;

  std::vector<AsyncCopy> copies;
  uint32_t copy_group = 0;  // the group that is open
  std::vector<Product> products;
  std::vector<Accumulator> accumulators;
  uint32_t product_group = 0;
  uint32_t products_issued = 0;
};

// What blockIdx, blockDim and gridDim say.
struct Place {
  dim3 block_index, block_size, grid_size;
};

inline constinit thread_local Fiber* fiber = nullptr;  // the one that runs
inline constinit thread_local Place place{};

// Throws KernelError naming the kernel, the block and the thread. Only inside a kernel.
[[noreturn]] void fail(const std::string& what);

// Stacks for up to 1024 fibers, each ending at a page that faults.
class FiberStacks {
 public:
  static constexpr size_t kBytes = 256 << 10;

  FiberStacks();
  ~FiberStacks();
  FiberStacks(const FiberStacks&) = delete;
  FiberStacks& operator=(const FiberStacks&) = delete;

  // Makes the fiber start in `entry` when it is switched to. Entry never returns.
  void prepare(Fiber& fiber, void (*entry)()) const;

 private:
  char* memory_;
};

// Leaves `from` where it stands and goes on in `to`, which becomes `fiber`.
void switch_fiber(Fiber& from, Fiber& to);

// Called first thing by a fiber's entry.
void entered_fiber();

}  // namespace emulation
