// Random valid plans: any split, any legal issue order, any lanes, shares and order edges.
#pragma once

#include <random>

#include "core/graph.h"
#include "core/plan.h"

namespace test {

nf::Plan random_plan(const nf::Graph& graph, const nf_device_info& device, uint32_t step_rows,
                     std::mt19937_64& random);

}  // namespace test
