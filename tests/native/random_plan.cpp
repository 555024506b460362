#include "random_plan.h"

#include <algorithm>
#include <set>

#include "core/dependency.h"

namespace test {

namespace {

class Generator {
 public:
  Generator(const nf::Graph& graph, const nf_device_info& device, std::mt19937_64& random)
      : graph_(graph), num_units_(device.num_units), step_(device.unit_step), random_(random) {}

  nf::Plan generate(uint32_t step_rows) {
    plan_.step_rows = step_rows;
    add_lanes();
    for (const nf_segment segment : {NF_SEGMENT_PROLOGUE, NF_SEGMENT_LAYER, NF_SEGMENT_EPILOGUE}) {
      add_segment(segment);
    }
    add_order_edges();
    return std::move(plan_);
  }

 private:
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

  void add_lanes() {
    const bool disjoint = below(2) == 0;
    const uint32_t steps = num_units_ / step_;
    const uint32_t lanes = 1 + below(disjoint ? std::min(steps, 4u) : 4u);
    uint32_t first = 0;
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      nf_partition partition{};
      partition.kind = disjoint ? NF_PARTITION_DISJOINT : NF_PARTITION_SHARED;
      if (disjoint) {
        // In steps of units; leave at least one for each lane that follows.
        const uint32_t spare = steps - first - (lanes - lane - 1);
        const uint32_t taken = 1 + below(spare);
        partition.first_unit = static_cast<uint16_t>(first * step_);
        partition.num_units = static_cast<uint16_t>(taken * step_);
        first += taken;
      } else {
        partition.num_units = static_cast<uint16_t>(1 + below(num_units_));
      }
      plan_.lanes.push_back({static_cast<uint16_t>(plan_.partitions.size()), 0});
      plan_.partitions.push_back(partition);
    }
    if (!disjoint && below(2) == 0) plan_.lanes.push_back({0, 0});  // two lanes of one partition
  }

  std::vector<uint32_t> cuts() {
    std::set<uint32_t> borders = {0, plan_.step_rows};
    const uint32_t parts = 1 + below(4);
    for (uint32_t i = 1; i < parts; ++i) borders.insert(below(plan_.step_rows + 1));
    return {borders.begin(), borders.end()};
  }

  // A quarter of the segments cut every op for itself and scatter the pieces over the lanes; the
  // others cut all ops alike and keep a nano-batch mostly on its lane, so that it can run ahead of
  // the others.
  void add_segment(nf_segment segment) {
    const bool aligned = below(4) != 0;
    std::vector<uint32_t> borders = cuts();
    std::vector<nf_nano_op> open;
    for (uint16_t op = 0; op < graph_.ops(segment).size(); ++op) {
      if (!aligned) borders = cuts();
      for (size_t i = 0; i + 1 < borders.size(); ++i) {
        nf_nano_op nano{};
        nano.segment = static_cast<uint16_t>(segment);
        nano.op = op;
        const auto lanes = static_cast<uint32_t>(plan_.lanes.size());
        const bool at_home = aligned && below(16) > 0;
        nano.lane = static_cast<uint16_t>(at_home ? i % lanes : below(lanes));
        const nf_partition& partition = plan_.partitions[plan_.lanes[nano.lane].partition];
        nano.units = static_cast<uint16_t>(below(partition.num_units + 1u));
        nano.row_begin = borders[i];
        nano.row_end = borders[i + 1];
        open.push_back(nano);
      }
    }
    issue(open);
  }

  // A random topological order: draws among the nano-ops whose producers were all issued.
  void issue(const std::vector<nf_nano_op>& nano_ops) {
    nf::Plan whole = plan_;
    const auto first = static_cast<uint16_t>(whole.nano_ops.size());
    whole.nano_ops.insert(whole.nano_ops.end(), nano_ops.begin(), nano_ops.end());
    std::vector<bool> issued(nano_ops.size(), false);
    for (size_t n = 0; n < nano_ops.size(); ++n) {
      std::vector<size_t> ready;
      for (size_t i = 0; i < nano_ops.size(); ++i) {
        if (!issued[i] && is_ready(whole, static_cast<uint16_t>(first + i), first, issued)) {
          ready.push_back(i);
        }
      }
      const size_t next = ready[below(static_cast<uint32_t>(ready.size()))];
      issued[next] = true;
      plan_.nano_ops.push_back(nano_ops[next]);
    }
  }

  bool is_ready(const nf::Plan& whole, uint16_t nano_op, uint16_t first,
                const std::vector<bool>& issued) const {
    for (const nf::Dependency& need : nf::dependencies_of(graph_, whole, nano_op, false)) {
      if (need.ticks_back == 0 && !issued[need.source - first]) return false;
    }
    return true;
  }

  void add_order_edges() {
    const auto count = static_cast<uint32_t>(plan_.nano_ops.size());
    for (uint32_t i = below(16); i > 0; --i) {
      const uint32_t a = below(count);
      const uint32_t b = below(count);
      if (a == b || plan_.nano_ops[a].segment != plan_.nano_ops[b].segment) continue;
      plan_.order_edges.push_back({static_cast<uint16_t>(std::min(a, b)),
                                   static_cast<uint16_t>(std::max(a, b)),
                                   static_cast<uint16_t>(below(2)), 0});
    }
  }

  const nf::Graph& graph_;
  uint32_t num_units_;
  uint32_t step_;
  std::mt19937_64& random_;
  nf::Plan plan_;
};

}  // namespace

nf::Plan random_plan(const nf::Graph& graph, const nf_device_info& device, uint32_t step_rows,
                     std::mt19937_64& random) {
  return Generator(graph, device, random).generate(step_rows);
}

}  // namespace test
