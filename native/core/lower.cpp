// The idea: unroll prologue, a few layers and epilogue in issue order, and keep for each lane a
// vector clock: which point of each lane is known to have passed when the next launch happens. A
// needed point that the clock already covers, directly or through another wait, needs no wait.

#include "lower.h"

#include <algorithm>

#include "check.h"
#include "dependency.h"

namespace nf {

namespace {

// Layers from 2 on share one list of waits: the union of what layers 2, 3 and 4 need. That is
// enough for any number of layers. A need reaches back at most kRunAheadTicks, so what implies the
// needs of layer 4 are waits of layers 2, 3 and 4 alone; in any later layer the same waits exist.
constexpr uint32_t kUnrolledLayers = 5;

// A lane passes the points start 1, finish 1, start 2, finish 2, ... of its instances in order: odd
// numbers are starts, even ones finishes.
using Clock = std::vector<uint32_t>;  // by lane: the last point known to have passed

struct Instance {
  uint32_t position;  // 1-based place on its lane
  Clock at_start;     // what is known to have passed when it is launched
};

// An instance that must have finished or started, named by its tick and nano-op.
struct Need {
  uint32_t tick;
  uint16_t source;
  bool on_start;
  bool operator==(const Need&) const = default;
};

class Unroller {
 public:
  Unroller(const Graph& graph, const Plan& plan, std::vector<BoundNanoOp>& nano_ops)
      : graph_(graph),
        plan_(plan),
        nano_ops_(nano_ops),
        layers_(std::min(graph.dims.num_layers, kUnrolledLayers)),
        clocks_(plan.lanes.size(), Clock(plan.lanes.size(), 0)),
        launched_(plan.lanes.size(), 0) {
    instances_.resize(layers_ + 2);
    for (auto& tick : instances_) tick.resize(plan.nano_ops.size());
  }

  void run() {
    for (uint32_t tick = 0; tick < layers_ + 2; ++tick) {
      const nf_segment segment = segment_of(tick);
      std::vector<bool> lane_seen(plan_.lanes.size(), false);
      for (uint16_t i = 0; i < plan_.nano_ops.size(); ++i) {
        if (plan_.nano_ops[i].segment != segment) continue;
        const uint16_t lane = plan_.nano_ops[i].lane;
        launch(tick, i, !lane_seen[lane]);
        lane_seen[lane] = true;
      }
    }
  }

 private:
  nf_segment segment_of(uint32_t tick) const {
    if (tick == 0) return NF_SEGMENT_PROLOGUE;
    return tick <= layers_ ? NF_SEGMENT_LAYER : NF_SEGMENT_EPILOGUE;
  }

  void launch(uint32_t tick, uint16_t nano_op, bool first_on_lane) {
    const uint16_t lane = plan_.nano_ops[nano_op].lane;
    Clock& clock = clocks_[lane];
    std::vector<Need> needs = needs_of(tick, nano_op);
    if (first_on_lane) add_run_ahead(tick, needs);
    const std::vector<Need> waits = minimal(needs, lane, clock);
    for (const Need& wait : waits) learn(clock, wait);
    record(tick, nano_op, waits);
    Instance& self = instances_[tick][nano_op];
    self.position = ++launched_[lane];
    self.at_start = clock;
    // In-order lane: when the next one is launched here, this one has finished.
    clock[lane] = 2 * self.position;
  }

  std::vector<Need> needs_of(uint32_t tick, uint16_t nano_op) const {
    std::vector<Need> needs;
    const bool first_layer = tick == 1;
    for (const Dependency& d : dependencies_of(graph_, plan_, nano_op, first_layer)) {
      needs.push_back({tick - d.ticks_back, d.source, false});
    }
    for (const nf_order_edge& edge : plan_.order_edges) {
      if (edge.later == nano_op) {
        needs.push_back({tick, edge.earlier, edge.kind == NF_ORDER_AFTER_START});
      }
    }
    return needs;
  }

  void add_run_ahead(uint32_t tick, std::vector<Need>& needs) const {
    if (tick < kRunAheadTicks) return;
    const uint32_t old_tick = tick - kRunAheadTicks;
    const nf_segment segment = segment_of(old_tick);
    std::vector<int> last(plan_.lanes.size(), -1);
    for (uint16_t i = 0; i < plan_.nano_ops.size(); ++i) {
      if (plan_.nano_ops[i].segment == segment) last[plan_.nano_ops[i].lane] = i;
    }
    for (const int source : last) {
      if (source >= 0) needs.push_back({old_tick, static_cast<uint16_t>(source), false});
    }
  }

  uint16_t lane_of(const Need& need) const { return plan_.nano_ops[need.source].lane; }
  const Instance& instance(const Need& need) const { return instances_[need.tick][need.source]; }

  // The point of its lane that a need asks for.
  uint32_t point_of(const Need& need) const {
    return 2 * instance(need).position - (need.on_start ? 1 : 0);
  }

  // The point that `lane` is known to have passed once `need` is satisfied.
  uint32_t known(const Need& need, uint16_t lane) const {
    return lane == lane_of(need) ? point_of(need) : instance(need).at_start[lane];
  }

  void learn(Clock& clock, const Need& need) const {
    for (uint16_t lane = 0; lane < clock.size(); ++lane) {
      clock[lane] = std::max(clock[lane], known(need, lane));
    }
  }

  // Is `need` implied once the clock is known?
  bool covered(const Need& need, const Clock& clock) const {
    return clock[lane_of(need)] >= point_of(need);
  }

  // Drops what the lane knows and what another need implies. Points imply each other only one way
  // round, so no two different needs remove each other; equal ones are made unique first.
  std::vector<Need> minimal(const std::vector<Need>& needs, uint16_t lane,
                            const Clock& clock) const {
    std::vector<Need> unique;
    for (const Need& need : needs) {
      const bool passed = lane_of(need) == lane || covered(need, clock);
      if (!passed && std::find(unique.begin(), unique.end(), need) == unique.end()) {
        unique.push_back(need);
      }
    }
    std::vector<Need> kept;
    for (const Need& need : unique) {
      const bool implied = std::any_of(unique.begin(), unique.end(), [&](const Need& other) {
        return !(other == need) && known(other, lane_of(need)) >= point_of(need);
      });
      if (!implied) kept.push_back(need);
    }
    return kept;
  }

  void record(uint32_t tick, uint16_t nano_op, const std::vector<Need>& waits) {
    BoundNanoOp& bound = nano_ops_[nano_op];
    const bool layer = segment_of(tick) == NF_SEGMENT_LAYER;
    const size_t variant = layer ? std::min<size_t>(tick - 1, kWaitVariants - 1) : 0;
    for (const Need& need : waits) {
      const Wait wait{need.source, static_cast<uint8_t>(tick - need.tick),
                      static_cast<uint8_t>(need.on_start)};
      auto& list = bound.waits[variant];
      // Later layers share a variant: normally the same list, else the union of both.
      if (std::find(list.begin(), list.end(), wait) == list.end()) list.push_back(wait);
      auto& source = nano_ops_[need.source];
      (need.on_start ? source.signals_start : source.signals_finish) = true;
    }
  }

  const Graph& graph_;
  const Plan& plan_;
  std::vector<BoundNanoOp>& nano_ops_;
  uint32_t layers_;
  std::vector<Clock> clocks_;                     // by lane
  std::vector<uint32_t> launched_;                // by lane
  std::vector<std::vector<Instance>> instances_;  // [tick][nano_op]
};

}  // namespace

void lower_waits(const Graph& graph, const Plan& plan, std::vector<BoundNanoOp>& nano_ops) {
  Unroller(graph, plan, nano_ops).run();
}

}  // namespace nf
