// The weightless model: the next token is the last one plus one. It carries requests through the
// whole engine without a kernel of weight, for tests of everything around the model.

#include "models/models.h"

namespace nf {

void build_echo(const nf_model_spec& spec, ActivationTypes, Graph& graph) {
  Op& echo = graph.add_op(NF_SEGMENT_EPILOGUE, "echo", OpKind::kEcho, Resource::kMemory);
  echo.rows = RowSpace::kSample;
  echo.gated = true;
  echo.shape.out = spec.vocab;
}

}  // namespace nf
