// Runs a program on a batch: for each nano-op wait, launch, signal. Decides nothing.
//
// A backend's threads run the body of a submitted step, each for its lane. That is `execute`, but
// for steps that exist to be measured (measure.h).
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
  // Its turn has come on its lane; it may still have to wait. Also called where it has no rows.
  virtual void arrive(uint32_t /*lane*/, uint32_t /*nano_op*/, uint32_t /*tick*/) {}
  virtual void before_launch(uint32_t lane, uint32_t nano_op, uint32_t tick) = 0;
  virtual void after_launch(uint32_t lane, uint32_t nano_op, uint32_t tick) = 0;
};

class Measurement;
struct StepState;

constexpr uint32_t kAllLanes = ~0u;

// Executes the nano-ops of one lane (or of all lanes, in issue order) and returns when they have
// finished. The lane must have completed its part of the step before.
void execute(StepState& step, uint32_t lane);

// One submitted step. Lives in its slot; reused when the step has completed.
struct StepState {
  Program* program = nullptr;
  Batch batch;
  uint64_t number = 0;              // steps of an engine, from 1; they run in this order
  Event* released = nullptr;        // reaches `number` when the step may sample
  Completion* completed = nullptr;  // of the engine: reaches `number` when all lanes are through
  ExecutionObserver* observer = nullptr;
  void (*body)(StepState& step, uint32_t lane) = execute;
  Measurement* measurement = nullptr;  // of a step that is measured
  std::atomic<uint32_t> lanes_left{0};
  // Times of now_ns(): the first launch, the last lane's coming to the gate of the gated ops, the
  // release (host only), the last completion. From the second to the third the device is idle.
  std::atomic<int64_t> started_ns{0};
  std::atomic<int64_t> arrived_ns{0};
  int64_t released_ns = 0;
  std::atomic<int64_t> finished_ns{0};
};

// Runs the kernels of a nano-op with these arguments, on its lane and within its units.
void run_kernels(const Program& program, const BoundNanoOp& bound, uint32_t layer,
                 const OpArgs& args);

// Bookkeeping of a lane that is through: the last one completes the step.
void finish_lane(StepState& step);

// Steady clock in nanoseconds.
int64_t now_ns();

}  // namespace nf
