#include "plan.h"

#include <string>

#include "check.h"
#include "graph.h"

namespace nf {

namespace {

template <typename T>
std::vector<T> copy_array(const T* data, uint32_t count, uint32_t limit, const char* what) {
  NF_CHECK(count <= limit, NF_INVALID_ARGUMENT,
           std::string("plan has ") + std::to_string(count) + " " + what + ", at most " +
               std::to_string(limit) + " are allowed");
  NF_CHECK(count == 0 || data != nullptr, NF_INVALID_ARGUMENT,
           std::string("plan array ") + what + " is NULL");
  return {data, data + count};
}

}  // namespace

Plan copy_plan(const nf_plan& plan) {
  Plan copy;
  copy.step_rows = plan.step_rows;
  copy.partitions = copy_array(plan.partitions, plan.num_partitions, NF_MAX_LANES, "partitions");
  copy.lanes = copy_array(plan.lanes, plan.num_lanes, NF_MAX_LANES, "lanes");
  copy.nano_ops = copy_array(plan.nano_ops, plan.num_nano_ops, NF_MAX_NANO_OPS, "nano_ops");
  copy.order_edges =
      copy_array(plan.order_edges, plan.num_order_edges, NF_MAX_ORDER_EDGES, "order_edges");
  return copy;
}

Plan sequential_plan(const Graph& graph, uint32_t num_units) {
  Plan plan;
  plan.step_rows = 1;
  plan.partitions = {{NF_PARTITION_SHARED, 0, static_cast<uint16_t>(num_units), 0}};
  plan.lanes = {{0, 0}};
  for (const nf_segment segment : {NF_SEGMENT_PROLOGUE, NF_SEGMENT_LAYER, NF_SEGMENT_EPILOGUE}) {
    for (uint16_t op = 0; op < graph.ops(segment).size(); ++op) {
      plan.nano_ops.push_back({static_cast<uint16_t>(segment), op, 0, 0, 0, 0, 0, 1});
    }
  }
  return plan;
}

}  // namespace nf
