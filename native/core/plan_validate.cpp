// Is a plan complete, in an order that cannot deadlock, and within the device?

#include <algorithm>
#include <string>

#include "check.h"
#include "dependency.h"
#include "graph.h"
#include "plan.h"

namespace nf {

namespace {

[[noreturn]] void refuse(const std::string& reason) { throw Error(NF_INVALID_PLAN, reason); }

std::string describe(const Plan& plan, const Graph& graph, size_t index) {
  const nf_nano_op& nano = plan.nano_ops[index];
  const auto& ops = graph.ops(static_cast<nf_segment>(nano.segment));
  return "nano-op " + std::to_string(index) + " (" + ops[nano.op].name + " rows " +
         std::to_string(nano.row_begin) + ".." + std::to_string(nano.row_end) + ")";
}

bool overlap(const nf_partition& a, const nf_partition& b) {
  return a.first_unit < b.first_unit + b.num_units && b.first_unit < a.first_unit + a.num_units;
}

// A hard split takes whole steps of units, or what is left of the device.
void check_disjoint(const nf_partition& partition, const std::string& name,
                    const nf_device_info& device) {
  if (partition.kind != NF_PARTITION_DISJOINT) return;
  if ((device.flags & NF_DEVICE_DISJOINT_PARTITIONS) == 0) {
    refuse(name + " is disjoint, and this device has no hard split");
  }
  const uint32_t end = uint32_t{partition.first_unit} + partition.num_units;
  const bool fits = partition.first_unit % device.unit_step == 0 &&
                    (partition.num_units % device.unit_step == 0 || end == device.num_units);
  if (!fits) {
    refuse(name + " has units [" + std::to_string(partition.first_unit) + ", " +
           std::to_string(end) + "); a disjoint one takes steps of " +
           std::to_string(device.unit_step) + ", or the rest");
  }
}

void check_partitions(const Plan& plan, const nf_device_info& device) {
  for (size_t i = 0; i < plan.partitions.size(); ++i) {
    const nf_partition& partition = plan.partitions[i];
    const std::string name = "partition " + std::to_string(i);
    if (partition.kind > NF_PARTITION_DISJOINT) refuse(name + " has an unknown kind");
    if (partition.num_units == 0) refuse(name + " has no units");
    if (partition.first_unit + partition.num_units > device.num_units) {
      refuse(name + " ends at unit " + std::to_string(partition.first_unit + partition.num_units) +
             ", the device has " + std::to_string(device.num_units));
    }
    check_disjoint(partition, name, device);
    for (size_t j = 0; j < i; ++j) {
      const nf_partition& other = plan.partitions[j];
      if (partition.kind != NF_PARTITION_DISJOINT || other.kind != NF_PARTITION_DISJOINT) continue;
      if (overlap(partition, other)) {
        refuse(name + " shares units with partition " + std::to_string(j) +
               ", but both are disjoint partitions");
      }
    }
  }
}

void check_lanes(const Plan& plan) {
  if (plan.lanes.empty()) refuse("plan has no lane");
  for (size_t i = 0; i < plan.lanes.size(); ++i) {
    if (plan.lanes[i].partition >= plan.partitions.size()) {
      refuse("lane " + std::to_string(i) + " names partition " +
             std::to_string(plan.lanes[i].partition) + ", which does not exist");
    }
  }
}

void check_nano_op(const Plan& plan, const Graph& graph, size_t index) {
  const nf_nano_op& nano = plan.nano_ops[index];
  const std::string number = "nano-op " + std::to_string(index);
  if (nano.segment > NF_SEGMENT_EPILOGUE) refuse(number + " has an unknown segment");
  if (index > 0 && nano.segment < plan.nano_ops[index - 1].segment) {
    refuse(number + " goes back to an earlier segment");
  }
  if (nano.op >= graph.ops(static_cast<nf_segment>(nano.segment)).size()) {
    refuse(number + " names an op that does not exist");
  }
  if (nano.lane >= plan.lanes.size()) refuse(number + " names a lane that does not exist");
  if (nano.row_begin >= nano.row_end || nano.row_end > plan.step_rows) {
    refuse(describe(plan, graph, index) + " has no rows within 0.." +
           std::to_string(plan.step_rows));
  }
  const nf_partition& partition = plan.partitions[plan.lanes[nano.lane].partition];
  if (nano.units > partition.num_units) {
    refuse(describe(plan, graph, index) + " asks for " + std::to_string(nano.units) +
           " units of a lane with " + std::to_string(partition.num_units));
  }
}

// The units that the widest nano-op of a lane takes.
uint32_t width_of_lane(const Plan& plan, size_t lane) {
  const uint32_t all = plan.partitions[plan.lanes[lane].partition].num_units;
  uint32_t width = 0;
  for (const nf_nano_op& nano : plan.nano_ops) {
    if (nano.lane == lane) width = std::max(width, nano.units == 0 ? all : nano.units);
  }
  return width;
}

// Lanes of a hard split never ask for more units than it has, whatever runs together.
void check_hard_splits(const Plan& plan) {
  for (size_t i = 0; i < plan.partitions.size(); ++i) {
    if (plan.partitions[i].kind != NF_PARTITION_DISJOINT) continue;
    uint32_t units = 0;
    for (size_t lane = 0; lane < plan.lanes.size(); ++lane) {
      if (plan.lanes[lane].partition == i) units += width_of_lane(plan, lane);
    }
    if (units > plan.partitions[i].num_units) {
      refuse("the lanes of partition " + std::to_string(i) + " together ask for " +
             std::to_string(units) + " units, but it is disjoint and has " +
             std::to_string(plan.partitions[i].num_units));
    }
  }
}

// Every row of every op exactly once.
void check_cover(const Plan& plan, const Graph& graph) {
  for (const nf_segment segment : {NF_SEGMENT_PROLOGUE, NF_SEGMENT_LAYER, NF_SEGMENT_EPILOGUE}) {
    for (uint16_t op = 0; op < graph.ops(segment).size(); ++op) {
      std::vector<RowRange> ranges;
      for (const nf_nano_op& nano : plan.nano_ops) {
        if (nano.segment == segment && nano.op == op) {
          ranges.push_back({nano.row_begin, nano.row_end});
        }
      }
      std::sort(ranges.begin(), ranges.end(),
                [](const RowRange& a, const RowRange& b) { return a.begin < b.begin; });
      uint32_t covered = 0;
      bool complete = true;
      for (const RowRange& range : ranges) {
        complete = complete && range.begin == covered;
        covered = range.end;
      }
      complete = complete && covered == plan.step_rows;
      if (!complete) {
        refuse("op " + graph.ops(segment)[op].name + " is not covered exactly once: the " +
               std::to_string(ranges.size()) + " ranges of its nano-ops leave a gap or overlap");
      }
    }
  }
}

// Producers are issued before consumers: together with in-order lanes this rules out a deadlock.
void check_order(const Plan& plan, const Graph& graph) {
  for (uint16_t i = 0; i < plan.nano_ops.size(); ++i) {
    for (const Dependency& need : dependencies_of(graph, plan, i, false)) {
      if (need.ticks_back == 0 && need.source >= i) {
        refuse(describe(plan, graph, i) + " is issued before " +
               describe(plan, graph, need.source) + ", which it needs");
      }
    }
  }
  for (size_t e = 0; e < plan.order_edges.size(); ++e) {
    const nf_order_edge& edge = plan.order_edges[e];
    const std::string name = "order edge " + std::to_string(e);
    if (edge.later >= plan.nano_ops.size() || edge.earlier >= edge.later) {
      refuse(name + " must go from an earlier to a later nano-op");
    }
    if (plan.nano_ops[edge.earlier].segment != plan.nano_ops[edge.later].segment) {
      refuse(name + " crosses segments");
    }
    if (edge.kind > NF_ORDER_AFTER_START) refuse(name + " has an unknown kind");
  }
}

}  // namespace

void validate_plan(const Plan& plan, const Graph& graph, const nf_device_info& device) {
  if (plan.step_rows == 0) refuse("step_rows is 0");
  check_partitions(plan, device);
  check_lanes(plan);
  for (size_t i = 0; i < plan.nano_ops.size(); ++i) check_nano_op(plan, graph, i);
  check_hard_splits(plan);
  check_cover(plan, graph);
  check_order(plan, graph);
}

}  // namespace nf
