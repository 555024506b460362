#include "measure.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bind.h"
#include "check.h"

namespace nf {

namespace {

constexpr uint32_t kMaxTimes = 1u << 16;     // of an item
constexpr uint32_t kMaxGoalUs = 60'000'000;  // a measurement is no benchmark
constexpr int64_t kNsPerUs = 1000;
constexpr double kRoundNs = 10e6;  // long against what it takes to start and to drain lanes
constexpr double kMostOfRound = 8192;
constexpr uint32_t kMaxIdleRounds = 20;

void check_range(uint32_t value, uint32_t low, uint32_t high, const std::string& field) {
  NF_CHECK(value >= low && value <= high, NF_INVALID_ARGUMENT,
           "measure: " + field + " = " + std::to_string(value) + ", allowed " +
               std::to_string(low) + ".." + std::to_string(high));
}

std::string field_of(uint32_t item, const char* field) {
  return "items[" + std::to_string(item) + "]." + field;
}

// Every expert gets as many rows as the next one. Experts of a row ascend, as in routing.h; weights
// stay 0, for no GEMM reads them.
std::vector<uint32_t> even_routing(uint32_t rows, const OpShape& shape) {
  std::vector<uint32_t> routing(size_t{rows} * 2 * shape.slots);
  uint32_t expert = 0;
  for (uint32_t row = 0; row < rows; ++row) {
    uint32_t* slots = routing.data() + size_t{row} * 2 * shape.slots;
    for (uint32_t slot = 0; slot < shape.slots; ++slot) {
      slots[slot] = expert;
      expert = (expert + 1) % shape.num_experts;
    }
    std::sort(slots, slots + shape.slots);
  }
  return routing;
}

}  // namespace

Measurement::Measurement(const Program& program, const Batch& batch,
                         std::span<const nf_measure_item> items, MeasureGoal goal, Backend& backend)
    : program_(program), batch_(batch), goal_(goal) {
  check_range(static_cast<uint32_t>(items.size()), 1, program.num_lanes(), "num_items");
  check_range(goal.minimum_us, 0, kMaxGoalUs, "minimum_us");
  check_range(goal.minimum_count, 1, kMaxTimes, "minimum_count");
  for (uint32_t i = 0; i < items.size(); ++i) {
    loops_.push_back(make_loop(items[i], i));
    route_evenly(program_.nano_ops()[items[i].nano_op], backend);
  }
  open_.store(static_cast<uint32_t>(loops_.size()), std::memory_order_relaxed);
}

Measurement::Loop Measurement::make_loop(const nf_measure_item& item, uint32_t index) const {
  const auto& nano_ops = program_.nano_ops();
  check_range(item.nano_op, 0, static_cast<uint32_t>(nano_ops.size() - 1),
              field_of(index, "nano_op"));
  check_range(item.capacity, goal_.minimum_count, kMaxTimes, field_of(index, "capacity"));
  NF_CHECK(item.times_us != nullptr, NF_INVALID_ARGUMENT,
           "measure: " + field_of(index, "times_us") + " is NULL");
  const BoundNanoOp& bound = nano_ops[item.nano_op];
  const std::string name = "measure: " + field_of(index, "nano_op") + " = " +
                           std::to_string(item.nano_op) + " (" + bound.op->name + ")";
  for (const Loop& other : loops_) {
    NF_CHECK(!is_on(other, bound.nano.lane), NF_INVALID_ARGUMENT,
             name + " is on lane " + std::to_string(bound.nano.lane) + ", as an item before it");
  }
  const RowRange rows = bound_rows(program_, bound, batch_);
  NF_CHECK(!rows.empty(), NF_INVALID_ARGUMENT, name + " has no rows in this step");
  Loop loop;
  loop.nano_op = item.nano_op;
  loop.capacity = item.capacity;
  loop.executions.reserve(item.capacity);
  return loop;
}

// Before a GEMM of experts is measured: in the arena a stale expert would be an index out of range.
void Measurement::route_evenly(const BoundNanoOp& bound, Backend& backend) const {
  if (bound.op->kind != OpKind::kGroupedGemm) return;
  for (uint32_t parity = 0; parity < 2; ++parity) {
    OpArgs args;
    bind_args(program_, bound, batch_, parity, args);
    const RowRange rows = args.grouped_gemm.rows;
    const std::vector<uint32_t> routing = even_routing(rows.size(), bound.op->shape);
    const uint32_t* first =
        args.grouped_gemm.routing.data + size_t{rows.begin} * 2 * bound.op->shape.slots;
    backend.write(reinterpret_cast<std::byte*>(const_cast<uint32_t*>(first)), routing.data(),
                  routing.size() * sizeof(uint32_t));
  }
}

bool Measurement::is_on(const Loop& loop, uint32_t lane) const {
  return lane == kAllLanes || program_.nano_ops()[loop.nano_op].nano.lane == lane;
}

void Measurement::run(StepState& step, uint32_t lane) {
  Measurement& measurement = *step.measurement;
  if (step.program->lane(0).runs_ahead()) {
    measurement.run_rounds();
  } else {
    measurement.run_lane(lane);
  }
}

void Measurement::run_lane(uint32_t lane) {
  const auto mine = static_cast<uint32_t>(std::count_if(
      loops_.begin(), loops_.end(), [&](const Loop& loop) { return is_on(loop, lane); }));
  if (mine == 0) return;
  start_together(mine);
  while (stop_ns_.load(std::memory_order_acquire) == std::numeric_limits<int64_t>::max()) {
    for (Loop& loop : loops_) {
      if (is_on(loop, lane)) execute_once(loop);
    }
  }
}

void Measurement::start_together(uint32_t loops) {
  if (arrived_.fetch_add(loops, std::memory_order_acq_rel) + loops == loops_.size()) {
    start_.signal(1);
  }
  start_.wait(1);
}

void Measurement::execute_once(Loop& loop) {
  const auto begin = static_cast<uint64_t>(now_ns());
  launch(loop);
  const Execution execution{begin, static_cast<uint64_t>(now_ns())};
  if (loop.repetitions++ > 0) note(loop, execution);
}

void Measurement::launch(Loop& loop) {
  const BoundNanoOp& bound = program_.nano_ops()[loop.nano_op];
  const uint32_t layer = layer_of(bound, loop.repetitions);
  OpArgs args;
  bind_args(program_, bound, batch_, layer, args);
  run_kernels(program_, bound, layer, args);
}

// Lanes that run ahead: rounds of launches, as many of each item as take about the same time. Of a
// round only what ran while all items ran is noted, which leaves out each item's first.
void Measurement::run_rounds() {
  for (Loop& loop : loops_) loop.round.resize(2);
  while (stop_ns_.load(std::memory_order_relaxed) == std::numeric_limits<int64_t>::max()) {
    launch_round();
    for (const Loop& loop : loops_) program_.nano_ops()[loop.nano_op].lane->drain();
    note_round();
  }
}

void Measurement::launch_round() {
  size_t most = 0;
  for (const Loop& loop : loops_) most = std::max(most, loop.round.size());
  for (size_t turn = 0; turn < most; ++turn) {
    for (Loop& loop : loops_) {
      // Spread evenly over the turns.
      const size_t begin = turn * loop.round.size() / most;
      const size_t end = (turn + 1) * loop.round.size() / most;
      Lane& lane = *program_.nano_ops()[loop.nano_op].lane;
      for (size_t i = begin; i < end; ++i, ++loop.repetitions) {
        lane.stamp(&loop.round[i].begin_ns);
        launch(loop);
        lane.stamp(&loop.round[i].end_ns);
      }
    }
  }
}

void Measurement::note_round() {
  uint64_t begin = 0;
  uint64_t end = std::numeric_limits<uint64_t>::max();
  for (const Loop& loop : loops_) {
    begin = std::max(begin, loop.round[1].begin_ns);
    end = std::min(end, loop.round.back().end_ns);
  }
  bool progress = false;
  for (Loop& loop : loops_) {
    for (const Execution& execution : loop.round) {
      if (execution.begin_ns < begin || execution.end_ns > end) continue;
      note(loop, execution);
      progress = true;
    }
  }
  idle_rounds_ = progress ? 0 : idle_rounds_ + 1;
  // Items that never run beside each other have no times: the caller sees that none were written.
  if (idle_rounds_ == kMaxIdleRounds) stop_ns_.store(0, std::memory_order_release);
  size_rounds();
}

// The next round is as long as the slowest item to reach its goal needs, but for what a round loses
// at its ends; all items run as long.
void Measurement::size_rounds() {
  const auto mean_ns = [](const Loop& loop) {
    const uint64_t took = loop.round.back().end_ns - loop.round.front().begin_ns;
    return std::max(1.0, static_cast<double>(took) / static_cast<double>(loop.round.size()));
  };
  double round_ns = 0;
  for (const Loop& loop : loops_) {
    const double mean = mean_ns(loop);
    const double enough = std::max(1e3 * goal_.minimum_us / mean, 1.0 * goal_.minimum_count);
    round_ns = std::max(round_ns, mean * (std::min(enough, kRoundNs / mean) + 3));
  }
  for (Loop& loop : loops_) {
    const double wanted = std::ceil(round_ns / mean_ns(loop));
    loop.round.resize(static_cast<size_t>(std::clamp(wanted, 3.0, kMostOfRound)));
  }
}

void Measurement::note(Loop& loop, Execution execution) {
  if (loop.executions.size() < loop.capacity) loop.executions.push_back(execution);
  loop.total_ns += execution.end_ns - execution.begin_ns;
  ++loop.noted;
  const bool long_enough = loop.total_ns >= uint64_t{goal_.minimum_us} * kNsPerUs;
  if (loop.goal_ns != 0 || !long_enough || loop.noted < goal_.minimum_count) return;
  loop.goal_ns = static_cast<int64_t>(execution.end_ns);
  if (open_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  int64_t last = 0;
  for (const Loop& other : loops_) last = std::max(last, other.goal_ns);
  stop_ns_.store(last, std::memory_order_release);
}

// A segment that runs once has the layer that the executor gives it.
uint32_t Measurement::layer_of(const BoundNanoOp& bound, uint64_t repetition) const {
  const uint32_t layers = program_.graph().dims.num_layers;
  if (bound.nano.segment == NF_SEGMENT_PROLOGUE || layers == 0) return 0;
  if (bound.nano.segment == NF_SEGMENT_EPILOGUE) return layers - 1;
  return static_cast<uint32_t>(repetition % layers);
}

void Measurement::read(std::span<nf_measure_item> items) const {
  const int64_t stop_ns = stop_ns_.load(std::memory_order_acquire);
  for (size_t i = 0; i < items.size(); ++i) {
    items[i].count = 0;
    for (const Execution& execution : loops_[i].executions) {
      if (static_cast<int64_t>(execution.end_ns) > stop_ns) break;
      const auto ns = static_cast<float>(execution.end_ns - execution.begin_ns);
      items[i].times_us[items[i].count++] = ns / static_cast<float>(kNsPerUs);
    }
  }
}

}  // namespace nf
