// From a nano-op, its rows and its layer to the arguments of its kernel.
#pragma once

#include "program.h"

namespace nf {

// False when nothing is left of the rows (attention clips to its part of the batch).
bool bind_args(const Program& program, const BoundNanoOp& bound, const Batch& batch, uint32_t layer,
               OpArgs& args);

// The part of a GEMM that writes the columns of one section of its weight.
GemmArgs section_args(const GemmArgs& gemm, const WeightSection& section);

}  // namespace nf
