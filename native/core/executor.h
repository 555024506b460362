// Runs a program on a batch: for each nano-op wait, launch, signal. Decides nothing.
#pragma once

#include <atomic>
#include <cstdint>

#include "batch.h"
#include "event.h"
#include "program.h"

namespace nf {

// Sees every launch; for traces, and for tests that delay lanes. Called on the lane's thread.
class ExecutionObserver {
 public:
  virtual ~ExecutionObserver() = default;
  virtual void before_launch(uint32_t lane, uint32_t nano_op, uint32_t tick) = 0;
  virtual void after_launch(uint32_t lane, uint32_t nano_op, uint32_t tick) = 0;
};

// One submitted step. Lives in its slot; reused when the step has completed.
struct StepState {
  Program* program = nullptr;
  Batch batch;
  uint64_t number = 0;              // steps of an engine, from 1; they run in this order
  Event* released = nullptr;        // reaches `number` when the step may sample
  Completion* completed = nullptr;  // of the engine: reaches `number` when all lanes are through
  ExecutionObserver* observer = nullptr;
  std::atomic<uint32_t> lanes_left{0};
  // Times of now_ns(): the first launch, the last lane's coming to the gate of the gated ops, the
  // release (host only), the last completion. From the second to the third the device is idle.
  std::atomic<int64_t> started_ns{0};
  std::atomic<int64_t> arrived_ns{0};
  int64_t released_ns = 0;
  std::atomic<int64_t> finished_ns{0};
};

constexpr uint32_t kAllLanes = ~0u;

// Executes the nano-ops of one lane (or of all lanes, in issue order) and returns when they have
// finished. The lane must have completed its part of the step before.
void execute(StepState& step, uint32_t lane);

// Bookkeeping of a lane that is through: the last one completes the step.
void finish_lane(StepState& step);

// Steady clock in nanoseconds.
int64_t now_ns();

}  // namespace nf
