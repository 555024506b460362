// Which nano-ops need which: derived from tensors, row ranges and reaches, never written by hand.
#pragma once

#include <vector>

#include "graph.h"
#include "plan.h"

namespace nf {

// Nano-op `source` of the instance `ticks_back` before must have finished.
struct Dependency {
  uint16_t source;  // index into plan.nano_ops
  uint8_t ticks_back;
};

// The dependencies of a nano-op. `first_layer`: the layer is layer 0, so that what comes from the
// layer before comes from the prologue.
std::vector<Dependency> dependencies_of(const Graph& graph, const Plan& plan, uint16_t nano_op,
                                        bool first_layer);

// The rows of what it reads, in rows of the plan's step, that a nano-op needs.
RowRange needed_rows(const nf_nano_op& nano, Reach reach, uint32_t step_rows);

}  // namespace nf
