// Qwen2 and Qwen2.5: q, k and v always have a bias, o never; later layers may attend through a
// window (nf_model_spec.layer_windows).

#include "models/decoder.h"
#include "models/models.h"

namespace nf {

void build_qwen2(const nf_model_spec& spec, ActivationTypes types, Graph& graph) {
  DecoderTraits traits;
  traits.qkv_bias = true;
  build_decoder(spec, traits, types, graph);
}

}  // namespace nf
