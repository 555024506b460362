// Qwen3 with experts in every layer: attention is that of Qwen3. The configuration says whether the
// weights of a token's experts are scaled to the sum 1.

#include "models/decoder.h"
#include "models/experts.h"
#include "models/models.h"

namespace nf {

void build_qwen3_moe(const nf_model_spec& spec, ActivationTypes types, Graph& graph) {
  const ExpertTraits experts{"mlp.gate", "mlp.experts.", "gate_proj",
                             "up_proj",  "down_proj",    (spec.flags & NF_MODEL_NORM_TOPK) != 0};
  DecoderTraits traits;
  traits.qk_norm = true;
  traits.qkv_bias = (spec.flags & NF_MODEL_ATTENTION_BIAS) != 0;
  traits.output_bias = traits.qkv_bias;
  traits.experts = &experts;
  build_decoder(spec, traits, types, graph);
}

}  // namespace nf
