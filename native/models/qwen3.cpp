// Qwen3: every head of q and k is normalised before rotation, which took the place of the biases
// of Qwen2; a configuration may still ask for them on all four projections.

#include "models/decoder.h"
#include "models/models.h"

namespace nf {

void build_qwen3(const nf_model_spec& spec, ActivationTypes types, Graph& graph) {
  DecoderTraits traits;
  traits.qk_norm = true;
  traits.qkv_bias = (spec.flags & NF_MODEL_ATTENTION_BIAS) != 0;
  traits.output_bias = traits.qkv_bias;
  build_decoder(spec, traits, types, graph);
}

}  // namespace nf
