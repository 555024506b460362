#include "emulation/block.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <new>
#include <sstream>
#include <utility>

namespace emulation {
namespace {

constexpr unsigned char kCanary = 0xa5;  // between the dynamic shared memory's end and the page's

std::atomic<Order> schedule_order = Order::kForward;
std::atomic<uint64_t> schedule_seed = 1;

std::string text(dim3 v) {
  std::ostringstream out;
  out << '(' << v.x << ", " << v.y << ", " << v.z << ')';
  return out.str();
}

size_t volume(dim3 v) { return size_t{v.x} * v.y * v.z; }

dim3 unflatten(size_t index, dim3 size) {
  return dim3(static_cast<unsigned>(index % size.x), static_cast<unsigned>(index / size.x % size.y),
              static_cast<unsigned>(index / size.x / size.y));
}

constexpr size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

constexpr size_t kPage = 4096;
constexpr size_t kSharedBytes = round_up(kMaxDynamicShared, kPage);
constexpr size_t kSharedRegion = kSharedBytes + kPage;  // the last page faults

}  // namespace

void fail(const std::string& what) {
  std::string message = "kernel " + std::string(Block::current().call().name) + ", block " +
                        text(place.block_index) + ", thread " + text(dim3(fiber->thread)) + ": " +
                        what;
  throw KernelError(message);
}

void set_schedule(Order order, uint64_t seed) {
  schedule_order = order;
  schedule_seed = seed;
}

void run_kernel(const KernelCall& call) {
  const Order order = schedule_order;
  Random random(schedule_seed++);
  const size_t blocks = volume(call.grid);
  std::vector<uint32_t> shuffled;
  if (order == Order::kShuffled) {
    shuffled.resize(blocks);
    for (uint32_t i = 0; i < blocks; ++i) {
      const uint32_t other = random.below(i + 1);
      shuffled[i] = shuffled[other];
      shuffled[other] = i;
    }
  }
  for (size_t i = 0; i < blocks; ++i) {
    const size_t index = order == Order::kForward    ? i
                         : order == Order::kBackward ? blocks - 1 - i
                                                     : shuffled[i];
    Block::current().run(call, unflatten(index, call.grid), order, random.next());
  }
}

Block::Block() {
  void* memory =
      mmap(nullptr, kSharedRegion, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  shared_memory_ = static_cast<char*>(memory);
  mprotect(shared_memory_ + kSharedBytes, kPage, PROT_NONE);
  fibers_.resize(kMaxThreads);
}

Block::~Block() { munmap(shared_memory_, kSharedRegion); }

Block& Block::current() {
  static constinit thread_local Block* block = nullptr;
  if (block == nullptr) {
    static thread_local std::unique_ptr<Block> owned(new Block);
    block = owned.get();
  }
  return *block;
}

void Block::prepare_shared() {
  const size_t wanted = round_up(call_->shared_bytes, 1024);
  shared_ = shared_memory_ + kSharedBytes - wanted;
  std::memset(shared_, 0xff, call_->shared_bytes);  // NaN, -1: what was never written is seen
  std::memset(shared_ + call_->shared_bytes, kCanary, wanted - call_->shared_bytes);
}

bool Block::in_dynamic_shared(const void* address, size_t bytes) const {
  const char* first = static_cast<const char*>(address);
  return first >= shared_ && first + bytes <= shared_ + call_->shared_bytes;
}

void Block::prepare(dim3 index) {
  place = {index, call_->block, call_->grid};
  threads_ = live_ = static_cast<uint32_t>(volume(call_->block));
  block_arrived_ = 0;
  votes_[0] = votes_[1] = 0;
  error_ = nullptr;
  ready_first_ = ready_end_ = 0;
  warps_.resize((threads_ + 31) / 32);
  warpgroup_logs_.resize((threads_ + 127) / 128);
  for (std::vector<Product>& log : warpgroup_logs_) log.clear();
  for (Warp& warp : warps_) warp.live = warp.arrived = 0;
  for (uint32_t i = 0; i < threads_; ++i) {
    Fiber& thread = fibers_[i];
    thread.thread = unflatten(i, call_->block);
    thread.index = i;
    thread.lane = i % 32;
    thread.warp = i / 32;
    thread.waits_for = nullptr;
    thread.done = false;
    thread.copies.clear();
    thread.copy_group = 0;
    thread.products.clear();
    thread.accumulators.clear();
    thread.product_group = thread.products_issued = 0;
    stacks_.prepare(thread, &Block::enter);
    warps_[thread.warp].live |= 1u << thread.lane;
  }
  for (uint32_t i = 0; i < threads_; ++i) {
    push(fibers_[order_ == Order::kBackward ? threads_ - 1 - i : i]);
  }
}

void Block::run(const KernelCall& call, dim3 index, Order order, uint64_t seed) {
  call_ = &call;
  order_ = order;
  random_ = Random(seed);
  async_.reset(random_.next());
  prepare_shared();
  prepare(index);
  Fiber* const outer = fiber;
  fiber = &host_;
  switch_fiber(host_, *next());
  fiber = outer;
  if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
  finish();
}

void Block::finish() {
  const std::string where =
      "kernel " + std::string(call_->name) + ", block " + text(place.block_index) + ": ";
  if (live_ != 0) throw KernelError(where + stuck());
  if (!async_.idle()) throw KernelError(where + "ended while copies were under way");
  const char* end = shared_ + round_up(call_->shared_bytes, 1024);
  for (const char* byte = shared_ + call_->shared_bytes; byte != end; ++byte) {
    if (static_cast<unsigned char>(*byte) != kCanary) {
      throw KernelError(where + "wrote past the end of its dynamic shared memory");
    }
  }
  for (uint32_t i = 0; i < threads_; ++i) {
    const std::vector<Product>& log = warpgroup_logs_[i / 128];
    if (fibers_[i].products_issued != log.size()) {
      throw KernelError(where + "the warps of a warpgroup issued different numbers of products");
    }
  }
}

std::string Block::stuck() const {
  std::map<std::string, uint32_t> counts;
  for (uint32_t i = 0; i < threads_; ++i) {
    if (!fibers_[i].done) ++counts[fibers_[i].waits_for == nullptr ? "?" : fibers_[i].waits_for];
  }
  std::string message = "threads wait for each other for ever: ";
  for (const auto& [reason, count] : counts) {
    message += std::to_string(count) + " in " + reason + ", ";
  }
  return message + std::to_string(threads_ - live_) + " returned";
}

void Block::enter() {
  entered_fiber();
  Block& block = current();
  Fiber* to = &block.host_;
  try {
    block.call_->run_thread();
    block.leave();
    to = block.next();
  } catch (...) {
    block.error_ = std::current_exception();
  }
  // Outside of the handler: what is being handled belongs to the host's thread, not to a fiber.
  fiber->done = true;
  switch_fiber(*fiber, *to);
  std::abort();
}

void Block::leave() {
  if (!fiber->products.empty()) fail("returned before its wgmma products were waited for");
  if (!fiber->copies.empty()) fail("returned before its cp.async copies were waited for");
  fiber->done = true;
  --live_;
  Warp& own = warp();
  own.live &= ~(1u << fiber->lane);
  if (own.arrived != 0) {
    if (own.needs_all) fail(std::string("returned while its warp is in ") + own.operation);
    if (own.arrived == own.live) release_warp(own);
  }
  if (block_arrived_ != 0 && block_arrived_ == live_) release_block();
}

void Block::push(Fiber& ready) { ready_[ready_end_++ % kQueue] = &ready; }

Fiber* Block::next() {
  if (async_.hurries()) async_.complete_one();
  while (ready_first_ == ready_end_) {
    if (async_.idle()) return &host_;  // all have returned, or none ever will
    async_.complete_one();
  }
  if (order_ == Order::kShuffled) {
    const uint32_t chosen = ready_first_ + random_.below(ready_end_ - ready_first_);
    std::swap(ready_[ready_first_ % kQueue], ready_[chosen % kQueue]);
  }
  return ready_[ready_first_++ % kQueue];
}

void Block::sleep(const char* reason) {
  Fiber& self = *fiber;
  self.waits_for = reason;
  Fiber* const to = next();
  if (to != &self) switch_fiber(self, *to);
}

void Block::wake(Fiber& sleeper) {
  sleeper.waits_for = nullptr;
  push(sleeper);
}

void Block::release_block() {
  votes_[~block_meetings_ & 1] = 0;
  ++block_meetings_;
  block_arrived_ = 0;
  for (uint32_t i = 0; i < threads_; ++i) {
    Fiber& thread = fibers_[order_ == Order::kBackward ? threads_ - 1 - i : i];
    // A fiber that is the last to come goes on by itself.
    if (!thread.done && &thread != fiber) wake(thread);
  }
}

uint32_t Block::meet_block(const char* operation, bool vote) {
  const uint32_t meeting = block_meetings_ & 1;
  votes_[meeting] += vote;
  if (++block_arrived_ == live_) {
    release_block();
  } else {
    sleep(operation);
  }
  return votes_[meeting];
}

void Block::release_warp(Warp& warp) {
  Warp::Exchange& exchange = warp.exchanges[warp.meetings & 1];
  exchange.present = warp.arrived;
  ++warp.meetings;
  const uint32_t lanes = warp.arrived & ~(1u << fiber->lane);
  warp.arrived = 0;
  Fiber* const first = &fibers_[fiber->warp * 32];
  for (uint32_t i = 0; i < 32; ++i) {
    const uint32_t lane = order_ == Order::kBackward ? 31 - i : i;
    if ((lanes >> lane & 1u) != 0) wake(first[lane]);
  }
}

Warp::Exchange& Block::meet_warp(const char* operation, uint64_t value, bool needs_all,
                                 void (*act)(Warp::Exchange&)) {
  Warp& own = warp();
  Warp::Exchange& exchange = own.exchanges[own.meetings & 1];
  if (own.arrived == 0) {
    own.operation = operation;
    own.needs_all = needs_all;
  } else if (own.operation != operation && std::strcmp(own.operation, operation) != 0) {
    fail(std::string("is in ") + operation + " while its warp is in " + own.operation);
  }
  if (needs_all && own.live != ~0u) {
    fail(std::string(operation) + " without all 32 lanes of the warp");
  }
  exchange.values[fiber->lane] = value;
  own.arrived |= 1u << fiber->lane;
  if (own.arrived != own.live) {
    sleep(operation);
    return exchange;
  }
  if (act != nullptr) act(exchange);
  release_warp(own);
  return exchange;
}

}  // namespace emulation
