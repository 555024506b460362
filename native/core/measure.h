// Times of nano-ops as they run in a step, alone or beside each other: what a cost table is made
// of.
//
// Each item loops its nano-op on its own lane, over the layers in turn, so that weights and pages
// come from memory as in a step. All start together, and an execution counts only if it ended while
// every item was still running: whatever is measured together overlapped all the time. Nothing
// waits for what another nano-op computes, so values mean nothing, and rows are spread evenly over
// experts.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "event.h"
#include "executor.h"

namespace nf {

// What each item must reach before the measurement ends.
struct MeasureGoal {
  uint32_t minimum_us;     // of its executions together
  uint32_t minimum_count;  // executions
};

class Measurement {
 public:
  // Takes the memory for all times. Throws NF_INVALID_ARGUMENT naming the item and field.
  Measurement(const Program& program, const Batch& batch, std::span<const nf_measure_item> items,
              MeasureGoal goal, Backend& backend);

  // The body of its step: loops the items of a lane (or of all lanes, in turn) until all are done.
  // Lanes that run ahead are all the caller's, who launches for them.
  static void run(StepState& step, uint32_t lane);

  // Writes times and counts, when the step has completed.
  void read(std::span<nf_measure_item> items) const;

 private:
  struct Execution {
    uint64_t begin_ns;
    uint64_t end_ns;
  };

  // One item on its way. Only its lane's thread touches it while the step runs.
  struct alignas(64) Loop {
    uint32_t nano_op = 0;
    uint32_t capacity = 0;
    std::vector<Execution> executions;  // as many as there is room for; the first is a warm-up
    uint64_t repetitions = 0;
    uint64_t total_ns = 0;
    uint64_t noted = 0;            // executions that count
    int64_t goal_ns = 0;           // when it reached the goal
    std::vector<Execution> round;  // of lanes that run ahead: what was launched together
  };

  Loop make_loop(const nf_measure_item& item, uint32_t index) const;
  void route_evenly(const BoundNanoOp& bound, Backend& backend) const;
  bool is_on(const Loop& loop, uint32_t lane) const;
  void run_lane(uint32_t lane);
  void start_together(uint32_t loops);
  void execute_once(Loop& loop);
  void launch(Loop& loop);
  void run_rounds();
  void launch_round();
  void note_round();
  void size_rounds();
  void note(Loop& loop, Execution execution);
  uint32_t layer_of(const BoundNanoOp& bound, uint64_t repetition) const;

  const Program& program_;
  const Batch& batch_;
  MeasureGoal goal_;
  std::vector<Loop> loops_;
  std::atomic<uint32_t> arrived_{0};  // loops whose threads are ready
  uint32_t idle_rounds_ = 0;          // in a row without an execution that counts
  Event start_;
  std::atomic<uint32_t> open_{0};  // loops that have not reached the goal
  // When every loop had reached the goal; until then far away.
  std::atomic<int64_t> stop_ns_{std::numeric_limits<int64_t>::max()};
};

}  // namespace nf
