// Mixtral 8x7B and 8x22B: Mistral with eight experts in place of the feed-forward. The weights of a
// token's experts always have the sum 1.

#include "models/decoder.h"
#include "models/experts.h"
#include "models/models.h"

namespace nf {

void build_mixtral(const nf_model_spec& spec, ActivationTypes types, Graph& graph) {
  constexpr ExpertTraits kExperts{
      "block_sparse_moe.gate", "block_sparse_moe.experts.", "w1", "w3", "w2", true};
  DecoderTraits traits;
  traits.experts = &kExperts;
  build_decoder(spec, traits, types, graph);
}

}  // namespace nf
