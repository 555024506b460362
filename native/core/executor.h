// Runs a program on a batch: for each nano-op wait, launch, signal. Decides nothing.
//
// A backend's threads run the body of a submitted step, each for its lane. That is `execute`, but
// for steps that exist to be measured (measure.h).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "batch.h"
#include "event.h"
#include "program.h"

namespace nf {

// The nano-op that a lane is at. Times of it are stamped by the lane: who launches may be ahead.
struct LaunchPoint {
  Lane& lane;
  uint32_t lane_index;
  uint32_t nano_op;
  uint32_t tick;
};

// Sees every launch; for traces, and for tests that delay lanes. Called by the thread that
// launches.
class ExecutionObserver {
 public:
  virtual ~ExecutionObserver() = default;
  // Its turn has come on its lane; it may still have to wait.
  virtual void arrive(const LaunchPoint& /*point*/) {}
  virtual void before_launch(const LaunchPoint& point) = 0;
  virtual void after_launch(const LaunchPoint& point) = 0;
};

class Measurement;
struct StepState;

constexpr uint32_t kAllLanes = ~0u;

// What happens when a lane comes to the first gated nano-op: at the latest there it waits until the
// step is released.
class Gate {
 public:
  virtual ~Gate() = default;
  virtual void pass(StepState& step) = 0;
};

enum class WalkPart : uint8_t { kAll, kFromGate };

// Launches the nano-ops of one lane (or of all lanes, in issue order) with the arguments of
// `batch`; kFromGate leaves out those before the first gated one.
void walk(StepState& step, const Batch& batch, uint32_t lane, Gate& gate, WalkPart part);

// The walk of a host lane: executes the nano-ops of one lane (or of all lanes, in issue order) and
// returns when they have finished. The lane must have completed its part of the step before.
void execute(StepState& step, uint32_t lane);

// Bytes that a step copies to its device before kernels read them.
struct CopyRange {
  const std::byte* host = nullptr;
  std::byte* device = nullptr;
  size_t bytes = 0;
};

// One submitted step. Lives in its slot; reused when the step has completed.
struct StepState {
  Program* program = nullptr;
  Batch batch;                                 // as kernels see it
  Batch host_batch;                            // its inputs where the host wrote them
  uint32_t launch_rows = 0;                    // rows of a decode step with its padding
  std::array<CopyRange, 9> inputs{};           // of the forward pass
  std::array<CopyRange, 3> sampling_inputs{};  // complete when the step is released
  uint64_t number = 0;                         // steps of an engine, from 1; they run in this order
  Event* released = nullptr;                   // reaches `number` when the step may sample
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
