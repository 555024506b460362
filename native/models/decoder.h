// What Llama and its relatives have in common: layers of grouped-query attention with rotary
// positions and of a gated feed-forward, each behind an RMS norm and added to the residual stream.
// An architecture is a file that says which of the traits below it has; scales and soft caps are
// facts of the specification.
#pragma once

#include "core/graph.h"
#include "nanoflow.h"

namespace nf {

struct ExpertTraits;

struct DecoderTraits {
  bool qkv_bias = false;
  bool output_bias = false;  // of the projection that leaves attention
  bool mlp_bias = false;
  bool qk_norm = false;  // RMS norm of every head of q and k before rotation
  // The checkpoint has q, k and v as one matrix, and gate and up as one.
  bool fused_projections = false;
  bool post_norms = false;  // attention and feed-forward are normed before they are added
  float norm_offset = 0;    // what the checkpoint's norm weights lack
  OpKind activation = OpKind::kSwiGlu;
  const ExpertTraits* experts = nullptr;  // null: the feed-forward is dense
};

void build_decoder(const nf_model_spec& spec, const DecoderTraits& traits, ActivationTypes types,
                   Graph& graph);

}  // namespace nf
