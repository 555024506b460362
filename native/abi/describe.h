// The facts for plans, as the C ABI says them: the graph and its ops.
#pragma once

#include "abi/engine.h"
#include "nanoflow.h"

namespace nf {

nf_graph_info describe_graph(const Engine& engine);

// `index` within the segment.
nf_op_info describe_op(const Engine& engine, nf_segment segment, uint32_t index);

}  // namespace nf
