// The CPU kernels, one launch function each.
#pragma once

#include "core/backend.h"

namespace nf::cpu {

void sample(const OpArgs& args, Lane& lane);
size_t sample_workspace(const OpShape& shape);
bool sample_supports(const OpShape& shape);

}  // namespace nf::cpu
