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
void rms_norm_quantize(const OpArgs& args, Lane& lane);  // quantize.cpp, with the next
void quantize(const OpArgs& args, Lane& lane);
void gemm(const OpArgs& args, Lane& lane);  // gemm.cpp, with all others
void gemm_int8(const OpArgs& args, Lane& lane);
void gemm_swi_glu(const OpArgs& args, Lane& lane);
void gemm_ge_glu(const OpArgs& args, Lane& lane);
void gemm_int8_swi_glu(const OpArgs& args, Lane& lane);
void gemm_int8_ge_glu(const OpArgs& args, Lane& lane);
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

// Bytes of scratch a worker needs.
size_t rms_norm_quantize_workspace(const OpShape& shape);
size_t gemm_int8_workspace(const OpShape& shape);  // of all that read quantized rows
size_t sample_workspace(const OpShape& shape);

}  // namespace nf::reference
