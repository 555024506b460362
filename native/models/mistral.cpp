// Mistral 7B and later text models: no biases; up to v0.1 every layer attends through a window,
// which is a fact of the specification and needs nothing here.

#include "models/decoder.h"
#include "models/models.h"

namespace nf {

void build_mistral(const nf_model_spec& spec, ActivationTypes types, Graph& graph) {
  const DecoderTraits traits;
  build_decoder(spec, traits, types, graph);
}

}  // namespace nf
