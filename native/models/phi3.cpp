// Phi-3: Llama whose checkpoint has q, k and v as one matrix, and gate and up as one; no biases.
// Windows, and the factors that stretch positions, are facts of the specification.

#include "models/decoder.h"
#include "models/models.h"

namespace nf {

void build_phi3(const nf_model_spec& spec, DType operand, Graph& graph) {
  DecoderTraits traits;
  traits.fused_projections = true;
  build_decoder(spec, traits, operand, graph);
}

}  // namespace nf
