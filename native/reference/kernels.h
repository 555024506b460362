// The meaning of every op, as plain fp32 loops: the oracle of all other backends, and the first
// kernels to read. op.h says what the arguments are.
//
// The operand dtype is fp32. Sums over many elements are taken in double and rounded once, so that
// the oracle is closer to the exact result than any kernel measured against it. Each kernel is a
// function of one row: what a row yields cannot depend on the rows it is computed with.
#pragma once

#include "core/backend.h"

namespace nf::reference {

void embedding(const OpArgs& args, Lane& lane);
void rms_norm(const OpArgs& args, Lane& lane);
void gemm(const OpArgs& args, Lane& lane);
void rope_append(const OpArgs& args, Lane& lane);
void attention(const OpArgs& args, Lane& lane);  // decode and prefill
void swi_glu(const OpArgs& args, Lane& lane);
void ge_glu(const OpArgs& args, Lane& lane);
void route(const OpArgs& args, Lane& lane);  // experts.cpp, with the next two
void grouped_gemm(const OpArgs& args, Lane& lane);
void combine_experts(const OpArgs& args, Lane& lane);
void sample(const OpArgs& args, Lane& lane);  // sample.cpp
void echo(const OpArgs& args, Lane& lane);
void pool(const OpArgs& args, Lane& lane);

size_t sample_workspace(const OpShape& shape);  // bytes of scratch a worker needs

}  // namespace nf::reference
