#include "executor.h"

#include <algorithm>
#include <chrono>

#include "bind.h"

namespace nf {

namespace {

// One lane's way through a step.
struct LaneRun {
  StepState& step;
  const Batch& batch;
  uint32_t lane;
  Gate& gate;
  bool skips;  // until the gate
  bool passed_gate = false;
  bool ended = false;
};

// Notes when a lane first comes to the gate, and waits until the step is released.
class HostGate final : public Gate {
 public:
  bool pass(StepState& step) override {
    const int64_t now = now_ns();
    int64_t last = step.arrived_ns.load(std::memory_order_relaxed);
    while (last < now && !step.arrived_ns.compare_exchange_weak(last, now)) {
    }
    step.released->wait(step.number);
    return true;
  }
};

// Events count ticks over all steps, so that they never need a reset.
uint64_t event_value(const StepState& step, uint32_t tick) {
  return step.number * step.program->num_ticks() + tick + 1;
}

void wait_for(StepState& step, const BoundNanoOp& bound, uint32_t tick) {
  const bool layer = bound.nano.segment == NF_SEGMENT_LAYER;
  const size_t variant = layer ? std::min<size_t>(tick - 1, kWaitVariants - 1) : 0;
  for (const Wait& wait : bound.waits[variant]) {
    const uint32_t signal =
        wait.on_start ? Program::start_signal(wait.source) : Program::finish_signal(wait.source);
    step.program->signals().wait(*bound.lane, signal, event_value(step, tick - wait.ticks_back));
  }
}

void launch(LaneRun& run, uint32_t index, uint32_t tick, uint32_t layer) {
  StepState& step = run.step;
  Program& program = *step.program;
  const BoundNanoOp& bound = program.nano_ops()[index];
  if (run.skips && !run.passed_gate && !bound.op->gated) return;
  const LaunchPoint point{*bound.lane, bound.nano.lane, index, tick};
  OpArgs args;
  const bool has_rows = bind_args(program, bound, run.batch, layer, args);
  ExecutionObserver* observer = has_rows ? step.observer : nullptr;
  if (observer) observer->arrive(point);
  wait_for(step, bound, tick);
  if (bound.op->gated && !run.passed_gate) {
    run.passed_gate = true;
    run.ended = !run.gate.pass(step);
    if (run.ended) return;
  }
  const uint64_t value = event_value(step, tick);
  if (bound.signals_start) {
    program.signals().signal(*bound.lane, Program::start_signal(index), value);
  }
  if (observer) observer->before_launch(point);
  if (has_rows) run_kernels(program, bound, layer, args);
  if (observer) observer->after_launch(point);
  if (bound.signals_finish) {
    program.signals().signal(*bound.lane, Program::finish_signal(index), value);
  }
}

void run_segment(LaneRun& run, nf_segment segment, uint32_t tick, uint32_t layer) {
  const Program& program = *run.step.program;
  for (uint32_t i = program.first(segment); i < program.last(segment); ++i) {
    if (run.ended) return;
    if (run.lane == kAllLanes || program.nano_ops()[i].nano.lane == run.lane) {
      launch(run, i, tick, layer);
    }
  }
}

}  // namespace

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// A GEMM takes one kernel for each section of its weight: one, but where formats are mixed.
void run_kernels(const Program& program, const BoundNanoOp& bound, uint32_t layer,
                 const OpArgs& args) {
  bound.lane->limit(bound.nano.units);
  if (!is_gemm(bound.op->kind)) return bound.kernels[0]->launch(args, *bound.lane);
  for (const WeightSection& section : program.memory().sections(bound.op->weight, layer)) {
    OpArgs part;
    part.gemm = section_args(args.gemm, section);
    bound.kernels[weight_format_index(section.view.format)]->launch(part, *bound.lane);
  }
}

void walk(StepState& step, const Batch& batch, uint32_t lane, Gate& gate, WalkPart part) {
  LaneRun run{step, batch, lane, gate, part == WalkPart::kFromGate};
  const uint32_t layers = step.program->graph().dims.num_layers;
  if (!run.skips) {
    run_segment(run, NF_SEGMENT_PROLOGUE, 0, 0);
    for (uint32_t layer = 0; layer < layers; ++layer) {
      run_segment(run, NF_SEGMENT_LAYER, layer + 1, layer);
    }
  }
  run_segment(run, NF_SEGMENT_EPILOGUE, layers + 1, layers == 0 ? 0 : layers - 1);
}

void execute(StepState& step, uint32_t lane) {
  step.completed->wait(step.number - 1);  // steps are ordered as a whole
  int64_t unset = 0;
  step.started_ns.compare_exchange_strong(unset, now_ns());
  HostGate gate;
  walk(step, step.batch, lane, gate, WalkPart::kAll);
}

void finish_lane(StepState& step, int64_t finished_ns) {
  if (step.lanes_left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  step.finished_ns.store(finished_ns, std::memory_order_relaxed);
  step.completed->signal(step.number);
}

}  // namespace nf
