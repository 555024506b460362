// What Llama and its relatives have in common: pre-norm layers of grouped-query attention with
// rotary positions, and a gated SiLU feed-forward. An architecture is a file that says which of the
// traits below it has.
#pragma once

#include "core/graph.h"
#include "nanoflow.h"

namespace nf {

struct DecoderTraits {
  bool qkv_bias = false;
  bool output_bias = false;  // of the projection that leaves attention
  bool mlp_bias = false;
  bool qk_norm = false;  // RMS norm of every head of q and k before rotation
  // The checkpoint has q, k and v as one matrix, and gate and up as one.
  bool fused_projections = false;
};

void build_decoder(const nf_model_spec& spec, const DecoderTraits& traits, DType operand,
                   Graph& graph);

}  // namespace nf
