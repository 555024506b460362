// Llama 2, 3, 3.1 and later. The configuration says which projections have a bias: those of
// attention (q, k, v and o together), those of the feed-forward, none or all.

#include "models/decoder.h"
#include "models/models.h"

namespace nf {

void build_llama(const nf_model_spec& spec, ActivationTypes types, Graph& graph) {
  DecoderTraits traits;
  traits.qkv_bias = (spec.flags & NF_MODEL_ATTENTION_BIAS) != 0;
  traits.output_bias = traits.qkv_bias;
  traits.mlp_bias = (spec.flags & NF_MODEL_MLP_BIAS) != 0;
  build_decoder(spec, traits, types, graph);
}

}  // namespace nf
