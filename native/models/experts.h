// A feed-forward of experts in place of the dense one: a router gives every row to a few of them,
// and their outputs are added to the residual stream with the router's weights.
#pragma once

#include "core/graph.h"
#include "nanoflow.h"

namespace nf {

// How the checkpoint names its matrices, without "model.layers.{}." and ".weight".
struct ExpertTraits {
  const char* router;   // [experts, hidden]
  const char* experts;  // what stands before an expert's number
  const char* gate;     // [expert_intermediate, hidden]
  const char* up;       // [expert_intermediate, hidden]
  const char* down;     // [hidden, expert_intermediate]
  bool normalize;       // the weights of a row are scaled to a sum of 1
};

// What the feed-forward of a layer starts from and ends in.
struct ExpertStream {
  TensorId normed;    // operand dtype
  TensorId residual;  // fp32
  TensorId out;       // fp32
};

// Throws NF_INVALID_ARGUMENT where the specification has impossible numbers of experts.
void check_experts(const nf_model_spec& spec);

void add_experts(const nf_model_spec& spec, const ExpertTraits& traits, ActivationTypes types,
                 const ExpertStream& stream, Graph& graph);

}  // namespace nf
