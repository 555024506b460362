// From dependencies to the minimal waits of each nano-op.
#pragma once

#include "program.h"

namespace nf {

// No lane may run more than one layer ahead of the slowest: layer l + 2 starts on a lane only when
// every lane has finished layer l, because the two write the same half of the arena.
constexpr int kRunAheadTicks = 2;

// Fills waits and signals of every nano-op.
void lower_waits(const Graph& graph, const Plan& plan, std::vector<BoundNanoOp>& nano_ops);

}  // namespace nf
