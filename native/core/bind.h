// From a nano-op, its rows and its layer to the arguments of its kernel.
#pragma once

#include "program.h"

namespace nf {

// The rows of a nano-op in a batch: its share of them, clipped to its op's part of the batch.
RowRange bound_rows(const Program& program, const BoundNanoOp& bound, const Batch& batch);

// False when the nano-op has no rows in this batch.
bool bind_args(const Program& program, const BoundNanoOp& bound, const Batch& batch, uint32_t layer,
               OpArgs& args);

// The part of a GEMM that writes the columns of one section of its weight.
GemmArgs section_args(const GemmArgs& gemm, const WeightSection& section);

}  // namespace nf
