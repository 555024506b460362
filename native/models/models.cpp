#include "models/models.h"

#include <cmath>
#include <cstring>
#include <string>

#include "core/check.h"
#include "models/rope.h"

namespace nf {

namespace {

struct Architecture {
  const char* name;
  void (*build)(const nf_model_spec& spec, ActivationTypes types, Graph& graph);
  bool has_layers;
};

constexpr Architecture kArchitectures[] = {
    {"LlamaForCausalLM", build_llama, true},
    {"Gemma2ForCausalLM", build_gemma2, true},
    {"MistralForCausalLM", build_mistral, true},
    {"MixtralForCausalLM", build_mixtral, true},
    {"Phi3ForCausalLM", build_phi3, true},
    {"Qwen2ForCausalLM", build_qwen2, true},
    {"Qwen3ForCausalLM", build_qwen3, true},
    {"Qwen3MoeForCausalLM", build_qwen3_moe, true},
    {"echo", build_echo, false},
};

// Far above any published model. Sizes are multiplied in 64 bits: the matrices of the widest
// layers, with all their experts, stay below 2^63 bytes.
constexpr uint32_t kMaxLayers = 1024;
constexpr uint32_t kMaxWidth = 1u << 20;
constexpr uint32_t kMaxVocab = 1u << 22;
constexpr uint32_t kMaxHeadDim = 256;
constexpr uint32_t kKnownFlags = NF_MODEL_TIED_EMBEDDINGS | NF_MODEL_ATTENTION_BIAS |
                                 NF_MODEL_MLP_BIAS | NF_MODEL_NORM_TOPK | NF_MODEL_INT8_LAYERS |
                                 NF_MODEL_INT8_HEAD;

void check(bool ok, const char* field, uint32_t value) {
  NF_CHECK(
      ok, NF_INVALID_ARGUMENT,
      std::string("model spec: ") + field + " = " + std::to_string(value) + " is out of range");
}

// Scales and caps, for which 0 stands for a default or for none.
void check(float value, const char* field) {
  NF_CHECK(value >= 0 && std::isfinite(value), NF_INVALID_ARGUMENT,
           std::string("model spec: ") + field + " = " + std::to_string(value) +
               ", allowed are finite numbers from 0");
}

void check_sizes(const nf_model_spec& spec) {
  check(spec.num_layers >= 1 && spec.num_layers <= kMaxLayers, "num_layers", spec.num_layers);
  check(spec.hidden >= 2 && spec.hidden <= kMaxWidth && spec.hidden % 2 == 0, "hidden",
        spec.hidden);
  check(spec.intermediate >= 2 && spec.intermediate <= kMaxWidth && spec.intermediate % 2 == 0,
        "intermediate", spec.intermediate);
  check(spec.num_heads >= 1 && spec.num_heads <= kMaxWidth, "num_heads", spec.num_heads);
  check(spec.num_kv_heads >= 1 && spec.num_heads % spec.num_kv_heads == 0, "num_kv_heads",
        spec.num_kv_heads);
  check(spec.head_dim >= 2 && spec.head_dim <= kMaxHeadDim && spec.head_dim % 2 == 0, "head_dim",
        spec.head_dim);
  check(uint64_t{spec.num_heads} * spec.head_dim <= kMaxWidth, "num_heads x head_dim",
        spec.num_heads);
  NF_CHECK(spec.rms_norm_eps > 0 && spec.rms_norm_eps < 1, NF_INVALID_ARGUMENT,
           "model spec: rms_norm_eps = " + std::to_string(spec.rms_norm_eps) +
               ", allowed between 0 and 1");
  check(spec.attention_softcap, "attention_softcap");
  check(spec.logit_softcap, "logit_softcap");
  check(spec.query_scale, "query_scale");
  check(spec.embedding_scale, "embedding_scale");
  NF_CHECK((spec.flags & ~kKnownFlags) == 0, NF_UNSUPPORTED,
           "model spec: flags " + std::to_string(spec.flags) + " has bits that are not known here");
  check_rope(spec);  // refuses scalings that have no angles, before memory is taken
}

ModelDims dims_of(const nf_model_spec& spec) {
  ModelDims dims;
  dims.num_layers = spec.num_layers;
  dims.hidden = spec.hidden;
  dims.num_heads = spec.num_heads;
  dims.num_kv_heads = spec.num_kv_heads;
  dims.head_dim = spec.head_dim;
  dims.intermediate = spec.intermediate;
  dims.vocab = spec.vocab;
  dims.rms_norm_eps = spec.rms_norm_eps;
  return dims;
}

}  // namespace

Graph build_graph(const nf_model_spec& spec, ActivationTypes types) {
  NF_CHECK(spec.architecture != nullptr, NF_INVALID_ARGUMENT, "model spec: architecture is NULL");
  check(spec.vocab >= 1 && spec.vocab <= kMaxVocab, "vocab", spec.vocab);
  std::string known;
  for (const Architecture& architecture : kArchitectures) {
    if (std::strcmp(architecture.name, spec.architecture) == 0) {
      Graph graph;
      if (architecture.has_layers) {
        check_sizes(spec);
        graph.dims = dims_of(spec);
        if (spec.layer_windows != nullptr) {
          graph.layer_windows.assign(spec.layer_windows, spec.layer_windows + spec.num_layers);
        }
      } else {
        graph.dims.vocab = spec.vocab;
      }
      architecture.build(spec, types, graph);
      return graph;
    }
    known += (known.empty() ? "" : ", ") + std::string(architecture.name);
  }
  throw Error(NF_UNSUPPORTED, std::string("architecture ") + spec.architecture +
                                  " is not supported; supported: " + known);
}

}  // namespace nf
