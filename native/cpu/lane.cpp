#include "cpu/lane.h"

#include <exception>
#include <string>

#include "core/check.h"
#include "core/event.h"
#include "core/sleep.h"
#include "platform/os.h"

namespace nf::cpu {

namespace {

// About 20 us: longer than the gap between two kernels, shorter than what a sleeping neighbour
// costs.
constexpr int kSpins = 800;
constexpr size_t kAlignment = 64;

// The claim word: width in 8 bits, tasks in 28, next task in 28.
constexpr uint32_t kMaxWidth = 255;
constexpr uint32_t kTaskBits = 28;
constexpr uint64_t kTaskMask = (uint64_t{1} << kTaskBits) - 1;

uint64_t claim_word(uint32_t width, uint32_t count) {
  return (uint64_t{width} << (2 * kTaskBits)) | (uint64_t{count} << kTaskBits);
}

}  // namespace

uint32_t choose_threads(uint32_t num_threads) {
  NF_CHECK(num_threads <= kMaxWidth, NF_INVALID_ARGUMENT,
           "num_threads must be at most " + std::to_string(kMaxWidth));
  return num_threads == 0 ? std::min(available_units(), kMaxWidth) : num_threads;
}

CpuLane::CpuLane(const LaneSpec& spec)
    : spec_(spec), size_(spec.partition.num_units), width_(spec.partition.num_units) {
  NF_ASSERT(size_ >= 1 && size_ <= kMaxWidth);
  for (uint32_t worker = 0; worker < size_; ++worker) {
    scratch_.push_back(std::make_unique<std::byte[]>(spec.scratch_bytes + kAlignment));
  }
  try {
    start();
  } catch (const std::exception& error) {
    stop();  // those that did start
    throw Error(NF_OUT_OF_MEMORY,
                "no threads for a lane of " + std::to_string(size_) + " units: " + error.what());
  }
}

CpuLane::~CpuLane() { stop(); }

void CpuLane::start() {
  workers_.reserve(size_);
  for (uint32_t worker = 1; worker < size_; ++worker) {
    workers_.emplace_back([this, worker] { work(worker); });
  }
  leader_ = std::make_unique<StepThread>([this] { pin(0); });
}

void CpuLane::stop() {
  leader_.reset();
  stopping_.store(true);
  wake_.fetch_add(1);
  wake_sleepers(wake_);
  for (std::thread& worker : workers_) worker.join();
}

void CpuLane::pin(uint32_t worker) const {
  if (spec_.partition.kind == NF_PARTITION_DISJOINT) {
    pin_to_unit(spec_.partition.first_unit + worker);
  }
}

std::byte* CpuLane::scratch(uint32_t worker) {
  const auto address = reinterpret_cast<uintptr_t>(scratch_[worker].get());
  return reinterpret_cast<std::byte*>((address + kAlignment - 1) / kAlignment * kAlignment);
}

void CpuLane::limit(uint32_t units) { width_ = units == 0 ? size_ : std::min(units, size_); }

bool CpuLane::run_task(uint32_t worker) {
  uint64_t word = claims_.load(std::memory_order_acquire);
  do {
    const uint64_t count = (word >> kTaskBits) & kTaskMask;
    if ((word & kTaskMask) >= count || worker >= word >> (2 * kTaskBits)) return false;
  } while (!claims_.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel,
                                          std::memory_order_acquire));
  task_(context_, static_cast<uint32_t>(word & kTaskMask), worker);
  completed_.fetch_add(1, std::memory_order_release);
  return true;
}

void CpuLane::parallel_for(uint32_t count, TaskFn task, void* context) {
  if (width_ == 1 || count <= 1) {
    for (uint32_t index = 0; index < count; ++index) task(context, index, 0);
    return;
  }
  NF_ASSERT(count <= kTaskMask);
  task_ = task;
  context_ = context;
  completed_.store(0, std::memory_order_relaxed);
  claims_.store(claim_word(width_, count), std::memory_order_release);
  wake_.fetch_add(1, std::memory_order_release);
  wake_sleepers(wake_);
  while (run_task(0)) {
  }
  // The rest is in the hands of workers that have claimed it. One of them may have lost its core.
  for (int spin = 0; completed_.load(std::memory_order_acquire) < count; ++spin) {
    spin < kSpins ? cpu_relax() : std::this_thread::yield();
  }
}

void CpuLane::work(uint32_t worker) {
  name_thread("nf-worker");
  pin(worker);
  uint32_t seen = 0;
  while (!stopping_.load(std::memory_order_relaxed)) {
    uint32_t now = wake_.load(std::memory_order_acquire);
    for (int spin = 0; now == seen && spin < kSpins; ++spin) {
      cpu_relax();
      now = wake_.load(std::memory_order_acquire);
    }
    if (now == seen) {
      sleep_while(wake_, seen);
      continue;
    }
    seen = now;
    while (run_task(worker)) {
    }
  }
}

}  // namespace nf::cpu
