#include "cuda/step_runner.h"

#include <span>

#include "cuda/errors.h"
#include "cuda/lane.h"

namespace nf::cuda {

namespace {

// The batch of a decode step with its padding: rows, sequences and samples that stand for nothing.
Batch padded(const StepState& step) {
  Batch batch = step.batch;
  batch.num_rows = batch.num_decode_rows = batch.num_sequences = step.launch_rows;
  batch.num_samples = step.launch_rows;
  return batch;
}

bool has_split_lanes(const Program& program) {
  for (uint32_t lane = 0; lane < program.num_lanes(); ++lane) {
    const auto& cuda = static_cast<const CudaLane&>(program.lane(lane));
    if (cuda.spec().partition.kind == NF_PARTITION_DISJOINT) return true;
  }
  return false;
}

// Steps whose launches may be captured: decode rows with one sample each. A graph across green
// contexts is not portable, and an observer wants to see every launch.
bool repeats(const StepState& step) {
  const Batch& batch = step.batch;
  return step.observer == nullptr && batch.num_rows == batch.num_decode_rows &&
         batch.num_samples <= step.launch_rows && step.program->graph().dims.num_layers > 0 &&
         !has_split_lanes(*step.program);
}

}  // namespace

// All lanes meet, and go on when the step is released.
class StepRunner::DeviceGate final : public Gate {
 public:
  explicit DeviceGate(StepRunner& runner) : runner_(runner) {}

  bool pass(StepState& step) override {
    const Marks& marks = runner_.marks_of(step);
    runner_.join(*step.program);
    check(cudaEventRecord(marks.arrived, runner_.runtime_.stream()), "cudaEventRecord");
    step.released->wait(step.number);
    runner_.copy_inputs(step.sampling_inputs, runner_.runtime_.stream());
    check(cudaEventRecord(marks.released, runner_.runtime_.stream()), "cudaEventRecord");
    runner_.fork(*step.program);
    return true;
  }

 private:
  StepRunner& runner_;
};

// The end of what is captured.
class StepRunner::CaptureGate final : public Gate {
 public:
  explicit CaptureGate(StepRunner& runner) : runner_(runner) {}

  bool pass(StepState& step) override {
    runner_.join(*step.program);
    return false;
  }

 private:
  StepRunner& runner_;
};

StepRunner::StepRunner(Runtime& runtime)
    : runtime_(runtime),
      ending_([this] { runtime_.use(); }, end_step, this),
      launching_([this] { runtime_.use(); }, launch_step, this) {
  for (Marks& marks : marks_) {
    for (cudaEvent_t* event : {&marks.begin, &marks.arrived, &marks.released}) {
      check(cudaEventCreate(event), "cudaEventCreate");
    }
    // Who waits for it sleeps: a core that spins would be missed by others.
    check(cudaEventCreateWithFlags(&marks.end, cudaEventBlockingSync), "cudaEventCreate");
    check(cudaEventCreateWithFlags(&marks.copied, cudaEventDisableTiming), "cudaEventCreate");
  }
  check(cudaEventCreateWithFlags(&meet_, cudaEventDisableTiming), "cudaEventCreate");
  check(cudaStreamCreateWithFlags(&copies_, cudaStreamNonBlocking), "cudaStreamCreate");
}

StepRunner::~StepRunner() {
  for (const Marks& marks : marks_) {
    for (cudaEvent_t event :
         {marks.copied, marks.begin, marks.arrived, marks.released, marks.end}) {
      cudaEventDestroy(event);
    }
  }
  cudaEventDestroy(meet_);
  cudaStreamDestroy(copies_);
}

void StepRunner::post(StepState& step) {
  step.lanes_left.store(1, std::memory_order_relaxed);
  launching_.post(step, kAllLanes);
}

void StepRunner::copy_inputs(std::span<const CopyRange> inputs, cudaStream_t stream) {
  for (const CopyRange& range : inputs) {
    if (range.bytes == 0) continue;
    check(cudaMemcpyAsync(range.device, range.host, range.bytes, cudaMemcpyHostToDevice, stream),
          "copying the inputs of a step");
  }
}

void StepRunner::fork(const Program& program) {
  ++epoch_.number;
  check(cudaEventRecord(meet_, runtime_.stream()), "cudaEventRecord");
  for (uint32_t lane = 0; lane < program.num_lanes(); ++lane) {
    check(cudaStreamWaitEvent(cuda_lane(program.lane(lane)).stream(), meet_, 0),
          "cudaStreamWaitEvent");
  }
}

void StepRunner::join(const Program& program) {
  for (uint32_t lane = 0; lane < program.num_lanes(); ++lane) {
    check(cudaEventRecord(meet_, cuda_lane(program.lane(lane)).stream()), "cudaEventRecord");
    check(cudaStreamWaitEvent(runtime_.stream(), meet_, 0), "cudaStreamWaitEvent");
  }
}

void StepRunner::launch_step(void* self, StepState& step, uint32_t) {
  auto& runner = *static_cast<StepRunner*>(self);
  try {
    if (runner.runtime_.failure().empty()) runner.launch(step);
  } catch (const std::exception& error) {
    runner.runtime_.fail(error.what());
  }
  runner.ending_.post(step, kAllLanes);
}

void StepRunner::launch(StepState& step) {
  const Marks& marks = marks_of(step);
  // A slot has its own memory: its inputs arrive while the step before is still running.
  copy_inputs(step.inputs, copies_);
  check(cudaEventRecord(marks.copied, copies_), "cudaEventRecord");
  check(cudaStreamWaitEvent(runtime_.stream(), marks.copied, 0), "cudaStreamWaitEvent");
  check(cudaEventRecord(marks.begin, runtime_.stream()), "cudaEventRecord");
  if (step.body == execute) {
    walk_step(step);
  } else {
    check(cudaEventRecord(marks.arrived, runtime_.stream()), "cudaEventRecord");
    copy_inputs(step.sampling_inputs, runtime_.stream());
    check(cudaEventRecord(marks.released, runtime_.stream()), "cudaEventRecord");
    fork(*step.program);
    step.body(step, kAllLanes);
  }
  join(*step.program);
  check(cudaEventRecord(marks.end, runtime_.stream()), "cudaEventRecord");
  check_launches("launching the kernels of a step");
}

void StepRunner::walk_step(StepState& step) {
  DeviceGate gate(*this);
  cudaGraphExec_t graph = repeats(step) ? graph_of(step) : nullptr;
  if (graph == nullptr) {
    fork(*step.program);
    walk(step, step.batch, kAllLanes, gate, WalkPart::kAll);
    return;
  }
  check(cudaGraphLaunch(graph, runtime_.stream()), "cudaGraphLaunch");
  fork(*step.program);
  walk(step, step.batch, kAllLanes, gate, WalkPart::kFromGate);
}

// What stands for the walk up to the gate, or null: it has to be walked.
cudaGraphExec_t StepRunner::graph_of(StepState& step) {
  const GraphKey key{step.program->serial(), &step, step.launch_rows};
  bool capture = false;
  if (cudaGraphExec_t graph = graphs_.find(key, capture)) {
    ++replays_;
    return graph;
  }
  if (!capture) return nullptr;
  try {
    return graphs_.add(key, capture_forward(step));
  } catch (const Error&) {
    // Nothing has run yet: the step is walked, as it would have been without graphs.
    cudaGraph_t broken = nullptr;
    cudaStreamEndCapture(runtime_.stream(), &broken);
    if (broken != nullptr) cudaGraphDestroy(broken);
    cudaGetLastError();
    graphs_.refuse(key);
    return nullptr;
  }
}

cudaGraph_t StepRunner::capture_forward(StepState& step) {
  const cudaStream_t stream = runtime_.stream();
  // Relaxed: a kernel that is loaded at its first launch, or memory that another thread takes, does
  // not spoil what is captured.
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
  fork(*step.program);
  CaptureGate end(*this);
  walk(step, padded(step), kAllLanes, end, WalkPart::kAll);
  cudaGraph_t captured = nullptr;
  check(cudaStreamEndCapture(stream, &captured), "cudaStreamEndCapture");
  return captured;
}

void StepRunner::end_step(void* self, StepState& step, uint32_t) {
  auto& runner = *static_cast<StepRunner*>(self);
  int64_t finished_ns = now_ns();
  try {
    if (runner.runtime_.failure().empty()) finished_ns = runner.finish(step);
  } catch (const std::exception& error) {
    runner.runtime_.fail(error.what());
  }
  finish_lane(step, finished_ns);
}

// The device was idle between the gate and the release only as far as it had come to the gate.
int64_t StepRunner::finish(StepState& step) {
  const Marks& marks = marks_of(step);
  DeviceClock& clock = runtime_.clock();
  check(cudaEventSynchronize(marks.end), "a step");
  clock.resolve();
  const uint64_t idle = clock.time_of(marks.released) - clock.time_of(marks.arrived);
  step.started_ns.store(static_cast<int64_t>(clock.time_of(marks.begin)));
  step.arrived_ns.store(step.released_ns - static_cast<int64_t>(idle));
  clock.anchor(marks.end);
  return static_cast<int64_t>(clock.time_of(marks.end));
}

}  // namespace nf::cuda
