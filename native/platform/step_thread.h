// A thread that takes submitted steps in order and does its part of each.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/executor.h"

namespace nf {

class StepThread {
 public:
  using RunFn = void (*)(void* context, StepState& step, uint32_t lane);

  // `setup` runs first on the new thread (pinning). For each step: run(context, step, lane).
  template <typename Setup>
  StepThread(Setup setup, RunFn run, void* context)
      : run_(run), context_(context), thread_([this, setup] {
          setup();
          loop();
        }) {}
  // Runs the body of each step for its lane, and finishes the lane.
  template <typename Setup>
  explicit StepThread(Setup setup) : StepThread(setup, run_body, nullptr) {}
  ~StepThread();
  StepThread(const StepThread&) = delete;
  StepThread& operator=(const StepThread&) = delete;

  // Takes this step for `lane` (or kAllLanes) after all posted before. Never blocks.
  void post(StepState& step, uint32_t lane);

 private:
  struct Posted {
    StepState* step;
    uint32_t lane;
  };

  static void run_body(void*, StepState& step, uint32_t lane);
  void loop();
  bool take(Posted& posted);

  std::mutex mutex_;
  std::condition_variable changed_;
  Posted queue_[NF_MAX_SLOTS] = {};
  uint32_t begin_ = 0;
  uint32_t count_ = 0;
  bool stopping_ = false;
  RunFn run_;
  void* context_;
  std::thread thread_;  // last: it uses the members above
};

}  // namespace nf
