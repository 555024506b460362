// Plans inside the native core: an owned copy of the ABI's nf_plan, and its validation.
#pragma once

#include <vector>

#include "nanoflow.h"

namespace nf {

class Graph;

struct Plan {
  uint32_t step_rows = 0;
  std::vector<nf_partition> partitions;
  std::vector<nf_lane> lanes;
  std::vector<nf_nano_op> nano_ops;  // issue order, segment by segment
  std::vector<nf_order_edge> order_edges;
};

// Copies and bounds-checks the arrays of an ABI plan. Throws NF_INVALID_ARGUMENT.
Plan copy_plan(const nf_plan& plan);

// Does this plan cover every row of every op once, in an issue order in which producers come before
// consumers, on lanes and units that exist? Throws NF_INVALID_PLAN with the reason.
void validate_plan(const Plan& plan, const Graph& graph, const nf_device_info& device);

// One lane, one nano-batch, the whole device.
Plan sequential_plan(const Graph& graph, uint32_t num_units);

}  // namespace nf
