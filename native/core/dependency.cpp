#include "dependency.h"

namespace nf {

namespace {

bool writes(const Op& op, TensorId tensor) { return op.writes == tensor || op.writes2 == tensor; }

// Where the rows of a tensor come from: a tensor id in a segment, some ticks back.
struct Origin {
  nf_segment segment;
  TensorId tensor;
  uint8_t ticks_back;
};

Origin origin_of(const Graph& graph, nf_segment reader, TensorId tensor, bool first_layer) {
  if (reader == NF_SEGMENT_LAYER && tensor == graph.carry_in) {
    return first_layer ? Origin{NF_SEGMENT_PROLOGUE, graph.carry_in, 1}
                       : Origin{NF_SEGMENT_LAYER, graph.carry_out, 1};
  }
  if (reader == NF_SEGMENT_EPILOGUE && tensor == graph.carry_out) {
    return {NF_SEGMENT_LAYER, graph.carry_out, 1};
  }
  return {reader, tensor, 0};
}

}  // namespace

RowRange needed_rows(const nf_nano_op& nano, Reach reach, uint32_t step_rows) {
  switch (reach) {
    case Reach::kSame:
      return {nano.row_begin, nano.row_end};
    case Reach::kPrefix:
      return {0, nano.row_end};
    case Reach::kAll:
      break;
  }
  return {0, step_rows};
}

std::vector<Dependency> dependencies_of(const Graph& graph, const Plan& plan, uint16_t nano_op,
                                        bool first_layer) {
  std::vector<Dependency> result;
  const nf_nano_op& nano = plan.nano_ops[nano_op];
  const auto segment = static_cast<nf_segment>(nano.segment);
  for (const Read& read : graph.ops(segment)[nano.op].reads) {
    const Origin origin = origin_of(graph, segment, read.tensor, first_layer);
    const RowRange needed = needed_rows(nano, read.reach, plan.step_rows);
    for (uint16_t i = 0; i < plan.nano_ops.size(); ++i) {
      const nf_nano_op& source = plan.nano_ops[i];
      if (source.segment != origin.segment) continue;
      if (!writes(graph.ops(origin.segment)[source.op], origin.tensor)) continue;
      if (source.row_begin >= needed.end || source.row_end <= needed.begin) continue;
      result.push_back({i, origin.ticks_back});
    }
  }
  return result;
}

}  // namespace nf
