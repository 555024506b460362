// Runs steps on a CUDA device. One thread launches, for all lanes and in issue order; another waits
// for steps to end. A step:
//
//   begin    inputs have been copied; all lanes wait for that, and for the step before
//   forward  the program is walked: kernels, and events between lanes; or one graph is replayed
//   gate     all lanes meet; the host waits until the step is released and copies what sampling
//   needs sample   the rest of the walk end      all lanes meet
//
// Launching runs ahead of the device: step n + 1 is queued while step n runs, up to its gate.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <atomic>

#include "core/executor.h"
#include "cuda/graphs.h"
#include "cuda/runtime.h"
#include "cuda/signals.h"
#include "platform/step_thread.h"

namespace nf::cuda {

class StepRunner {
 public:
  explicit StepRunner(Runtime& runtime);
  ~StepRunner();
  StepRunner(const StepRunner&) = delete;
  StepRunner& operator=(const StepRunner&) = delete;

  void post(StepState& step);
  const Epoch& epoch() const { return epoch_; }
  // Launches of graphs that were captured before; for tests.
  uint64_t replays() const { return replays_.load(); }

 private:
  class DeviceGate;
  class CaptureGate;

  // Points of a step on the runtime's stream. Steps in flight have different ones.
  struct Marks {
    cudaEvent_t copied = nullptr;  // its inputs; on a stream for copies
    cudaEvent_t begin = nullptr;
    cudaEvent_t arrived = nullptr;   // at the gate
    cudaEvent_t released = nullptr;  // and past it
    cudaEvent_t end = nullptr;
  };
  // More than steps can be in flight, so that the end of the last one can anchor the clock.
  static constexpr size_t kMarks = 2 * NF_MAX_SLOTS;

  static void launch_step(void* self, StepState& step, uint32_t lane);
  static void end_step(void* self, StepState& step, uint32_t lane);
  void launch(StepState& step);
  void walk_step(StepState& step);
  cudaGraphExec_t graph_of(StepState& step);
  cudaGraph_t capture_forward(StepState& step);
  int64_t finish(StepState& step);
  static void copy_inputs(std::span<const CopyRange> inputs, cudaStream_t stream);
  void fork(const Program& program);
  void join(const Program& program);
  Marks& marks_of(const StepState& step) { return marks_[step.number % kMarks]; }

  Runtime& runtime_;
  GraphCache graphs_;
  Epoch epoch_;
  std::array<Marks, kMarks> marks_;
  cudaEvent_t meet_ = nullptr;
  cudaStream_t copies_ = nullptr;
  std::atomic<uint64_t> replays_{0};
  // In this order: the launching thread posts to the ending one, and stops first.
  StepThread ending_;
  StepThread launching_;
};

}  // namespace nf::cuda
