// A thread that takes submitted steps in order and runs its lane's part of each.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/executor.h"

namespace nf {

class StepThread {
 public:
  // `setup` runs first on the new thread (pinning).
  template <typename Setup>
  explicit StepThread(Setup setup)
      : thread_([this, setup] {
          setup();
          loop();
        }) {}
  ~StepThread();
  StepThread(const StepThread&) = delete;
  StepThread& operator=(const StepThread&) = delete;

  // Runs the body of this step for `lane` (or kAllLanes) after all posted before. Never blocks.
  void post(StepState& step, uint32_t lane);

 private:
  struct Posted {
    StepState* step;
    uint32_t lane;
  };

  void loop();
  bool take(Posted& posted);

  std::mutex mutex_;
  std::condition_variable changed_;
  Posted queue_[NF_MAX_SLOTS] = {};
  uint32_t begin_ = 0;
  uint32_t count_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the members above
};

}  // namespace nf
