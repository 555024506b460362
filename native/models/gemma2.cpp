// Gemma 2: gated GELU, norms before and behind attention and feed-forward, norm weights stored less
// one. Its scales, soft caps and the windows of every other layer are facts of the specification.

#include "models/decoder.h"
#include "models/models.h"

namespace nf {

void build_gemma2(const nf_model_spec& spec, ActivationTypes types, Graph& graph) {
  DecoderTraits traits;
  traits.qkv_bias = (spec.flags & NF_MODEL_ATTENTION_BIAS) != 0;
  traits.output_bias = traits.qkv_bias;
  traits.post_norms = true;
  traits.norm_offset = 1;
  traits.activation = OpKind::kGeGlu;
  build_decoder(spec, traits, types, graph);
}

}  // namespace nf
