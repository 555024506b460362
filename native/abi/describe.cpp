#include "abi/describe.h"

#include <cstdio>

#include "core/check.h"
#include "core/lower.h"
#include "core/work.h"

namespace nf {

// The enums of the core are those of the ABI.
static_assert(static_cast<int>(RowSpace::kToken) == NF_ROWS_TOKEN);
static_assert(static_cast<int>(RowSpace::kSample) == NF_ROWS_SAMPLE);
static_assert(static_cast<int>(RowSpace::kSequence) == NF_ROWS_SEQUENCE);
static_assert(static_cast<int>(RowPart::kDecode) == NF_PART_DECODE);
static_assert(static_cast<int>(RowPart::kPrefill) == NF_PART_PREFILL);
static_assert(static_cast<int>(Reach::kPrefix) == NF_REACH_PREFIX);
static_assert(static_cast<int>(Reach::kAll) == NF_REACH_ALL);

nf_graph_info describe_graph(const Engine& engine) {
  const Graph& graph = engine.graph();
  nf_graph_info info{};
  info.struct_size = sizeof(info);
  info.num_layers = graph.dims.num_layers;
  info.hash = engine.weights().hash();
  info.num_tensors = static_cast<uint32_t>(graph.tensors.size());
  info.run_ahead_ticks = kRunAheadTicks;
  info.carry_in = graph.carry_in;
  info.carry_out = graph.carry_out;
  return info;
}

nf_op_info describe_op(const Engine& engine, nf_segment segment, uint32_t index) {
  const Op& op = engine.graph().ops(segment)[index];
  nf_op_info info{};
  std::snprintf(info.name, sizeof(info.name), "%s", op.name.c_str());
  std::snprintf(info.kind, sizeof(info.kind), "%s", kOpKindNames[static_cast<size_t>(op.kind)]);
  info.segment = segment;
  info.index = index;
  info.resource = static_cast<uint32_t>(op.resource);
  info.num_kernels = count_kernels(engine.backend().kernels(), op, engine.memory());
  info.row_space = static_cast<uint32_t>(op.rows);
  info.row_part = static_cast<uint32_t>(row_part(op.kind));
  NF_ASSERT(op.reads.size() <= NF_MAX_READS);
  for (const Read& read : op.reads) {
    info.reads[info.num_reads++] = {read.tensor, static_cast<uint16_t>(read.reach)};
  }
  info.writes[0] = op.writes;
  info.writes[1] = op.writes2;
  const OpWork work = work_of(engine.graph(), op, engine.memory());
  info.row_flops = work.row_flops;
  info.row_bytes = work.row_bytes;
  info.weight_bytes = work.weight_bytes;
  info.context_flops = work.context_flops;
  info.context_bytes = work.context_bytes;
  return info;
}

}  // namespace nf
