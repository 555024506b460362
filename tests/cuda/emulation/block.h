// Runs one block of a kernel: its threads are fibers that give way to each other where they meet.
// A kernel that is right gives the same result in every order of fibers; tests run several.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "emulation/async.h"
#include "emulation/fiber.h"
#include "emulation/random.h"

namespace emulation {

// A launch: the kernel, copies of its arguments, and its size.
struct KernelCall {
  const char* name = "";
  const void* entry = nullptr;
  dim3 grid, block;
  size_t shared_bytes = 0;

  virtual ~KernelCall() = default;
  virtual void run_thread() const = 0;
};

enum class Order { kForward, kBackward, kShuffled };

// The order in which blocks, and the threads of a block, come to run; and when copies arrive. For
// all launches from now on.
void set_schedule(Order order, uint64_t seed = 1);

// The same for as long as it lives.
class Schedule {
 public:
  explicit Schedule(Order order, uint64_t seed = 1) { set_schedule(order, seed); }
  ~Schedule() { set_schedule(Order::kForward); }
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;
};

// Runs all blocks of the launch on the calling thread. Throws KernelError.
void run_kernel(const KernelCall& call);

struct Warp {
  // What the lanes brought along. Two in turn, because a lane may arrive at the next meeting before
  // another has looked at this one.
  struct Exchange {
    uint64_t values[32];
    uint32_t present;
  };
  uint32_t live = 0;     // lanes that have not returned
  uint32_t arrived = 0;  // lanes that wait in the meeting `operation`
  uint32_t meetings = 0;
  const char* operation = nullptr;
  bool needs_all = false;
  Exchange exchanges[2];
};

class Block {
 public:
  Block();
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  static Block& current();  // of the calling thread

  void run(const KernelCall& call, dim3 index, Order order, uint64_t seed);

  // Below: for the running fiber. Until all threads of the block are there; how many of them voted.
  uint32_t meet_block(const char* operation, bool vote);
  // Until all lanes of the warp are there. The last to arrive leaves first, after `act` when there
  // is one: that may touch the registers of all lanes.
  Warp::Exchange& meet_warp(const char* operation, uint64_t value, bool needs_all = false,
                            void (*act)(Warp::Exchange&) = nullptr);
  // Until something calls wake().
  void sleep(const char* reason);
  void wake(Fiber& sleeper);

  Warp& warp() { return warps_[fiber->warp]; }
  const Fiber& host() const { return host_; }
  bool in_dynamic_shared(const void* address, size_t bytes) const;
  char* dynamic_shared() const { return shared_; }
  AsyncUnit& async() { return async_; }
  const KernelCall& call() const { return *call_; }
  std::vector<Product>& warpgroup_log(uint32_t warpgroup) { return warpgroup_logs_[warpgroup]; }

 private:
  static void enter();
  void prepare(dim3 index);
  void prepare_shared();
  void finish();
  void leave();                   // the running fiber's kernel has returned
  void release_warp(Warp& warp);  // that of the running fiber
  void release_block();
  Fiber* next();
  void push(Fiber& ready);
  std::string stuck() const;

  static constexpr uint32_t kQueue = 2048;

  FiberStacks stacks_;
  std::vector<Fiber> fibers_;
  std::vector<Warp> warps_;
  std::vector<std::vector<Product>> warpgroup_logs_;
  Fiber host_;  // the caller of run
  const KernelCall* call_ = nullptr;
  Order order_ = Order::kForward;
  Random random_;
  AsyncUnit async_;
  std::exception_ptr error_;

  Fiber* ready_[kQueue];  // a ring
  uint32_t ready_first_ = 0, ready_end_ = 0;

  uint32_t threads_ = 0, live_ = 0;
  uint32_t block_arrived_ = 0;
  uint32_t block_meetings_ = 0;
  uint32_t votes_[2] = {};

  char* shared_memory_;  // the largest there can be, before a page that faults
  char* shared_ = nullptr;
};

constexpr size_t kMaxDynamicShared = 227 << 10;
constexpr size_t kDefaultDynamicShared = 48 << 10;
constexpr size_t kMaxThreads = 1024;

}  // namespace emulation
