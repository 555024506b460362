// Phi-3: Llama whose checkpoint has q, k and v as one matrix, and gate and up as one; no biases.
// Windows, and the factors that stretch positions, are facts of the specification.

#include "models/decoder.h"
#include "models/models.h"

namespace nf {

void build_phi3(const nf_model_spec& spec, ActivationTypes types, Graph& graph) {
  DecoderTraits traits;
  traits.fused_projections = true;
  build_decoder(spec, traits, types, graph);
}

}  // namespace nf
