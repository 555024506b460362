// A counter that only grows: signalled with a value, waited for until it has reached one.
//
// A waiter spins a few microseconds and then sleeps: a spinning core is a core that another lane
// lacks.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "sleep.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace nf {

inline void cpu_relax() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#endif
}

class alignas(64) Event {
 public:
  void signal(uint64_t value) {
    value_.store(value, std::memory_order_release);
    wake_sleepers(value_);
  }

  void wait(uint64_t value) const {
    for (int i = 0; i < kSpins; ++i) {
      if (reached(value)) return;
      cpu_relax();
    }
    for (uint64_t seen; (seen = value_.load(std::memory_order_acquire)) < value;) {
      sleep_while(value_, seen);
    }
  }

  bool reached(uint64_t value) const { return value_.load(std::memory_order_acquire) >= value; }

 private:
  static constexpr int kSpins = 400;  // about 10 us at 40 cycles a pause
  std::atomic<uint64_t> value_{0};
};

// An event that the host waits for with a deadline. Signalled once a step.
class Completion {
 public:
  void signal(uint64_t value) {
    const std::lock_guard lock(mutex_);
    event_.signal(value);
    changed_.notify_all();
  }
  void wait(uint64_t value) const { event_.wait(value); }

  // False when the value was not reached in time.
  bool wait_for(uint64_t value, uint32_t timeout_us) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::microseconds(timeout_us),
                             [&] { return event_.reached(value); });
  }

 private:
  Event event_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace nf
