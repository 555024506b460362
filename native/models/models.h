// Architectures: a table from the checkpoint's architecture name to the builder of its graph.
#pragma once

#include "core/graph.h"
#include "nanoflow.h"

namespace nf {

// Builds the graph of the model with activations as the backend likes them. Throws
// NF_UNSUPPORTED for an unknown architecture and NF_INVALID_ARGUMENT for impossible sizes.
Graph build_graph(const nf_model_spec& spec, ActivationTypes types);

void build_gemma2(const nf_model_spec& spec, ActivationTypes types, Graph& graph);
void build_llama(const nf_model_spec& spec, ActivationTypes types, Graph& graph);
void build_mistral(const nf_model_spec& spec, ActivationTypes types, Graph& graph);
void build_mixtral(const nf_model_spec& spec, ActivationTypes types, Graph& graph);
void build_phi3(const nf_model_spec& spec, ActivationTypes types, Graph& graph);
void build_qwen2(const nf_model_spec& spec, ActivationTypes types, Graph& graph);
void build_qwen3(const nf_model_spec& spec, ActivationTypes types, Graph& graph);
void build_qwen3_moe(const nf_model_spec& spec, ActivationTypes types, Graph& graph);
void build_echo(const nf_model_spec& spec, ActivationTypes types, Graph& graph);

}  // namespace nf
