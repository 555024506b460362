// A tiny model with random weights, and conversations that are fed to it token by token (teacher
// forced), so that tests can compare the logits of one and the same token under any plan and batch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "abi/engine.h"

namespace test {

// The devices of this test program; the first is the one that is meant where a test names none.
std::span<const uint32_t> devices();

struct TinyOptions {
  uint32_t device = devices()[0];
  uint32_t threads = 4;
  uint32_t layers = 4;
  uint32_t kv_heads = 2;
  uint32_t head_dim = 16;
  uint32_t page_tokens = 16;
  bool bias = false;
  bool tied = false;
  uint32_t int8 = 0;  // NF_MODEL_INT8_*
  const char* architecture = "LlamaForCausalLM";
  uint32_t hidden = 64;
  uint32_t intermediate = 80;
  // Weights in block formats, by the names of nf_weight_describe.
  std::vector<nf_tensor_format> formats = {};
  std::vector<uint32_t> windows = {};  // by layer; empty: none
  float attention_softcap = 0;
  float logit_softcap = 0;
  float embedding_scale = 0;
  // Factors of the rope, [head_dim / 2]; empty: it is not stretched.
  std::vector<float> short_factors = {};
  std::vector<float> long_factors = {};
  uint32_t experts = 0;  // 0: dense
  uint32_t experts_per_token = 0;
  uint32_t operand_dtype = 0;  // of a CUDA device; 0: bf16
};

// A backend with so many threads.
std::unique_ptr<nf::Backend> open_device(uint32_t device, uint32_t threads);

// Two layers whose weights have all block formats, neighbours in one weight different ones.
TinyOptions mixed_formats(uint32_t device);

// Refers to the options.
nf_model_spec tiny_spec(const TinyOptions& options);
nf_engine_options tiny_engine_options(const TinyOptions& options);
nf_plan view_of(const nf::Plan& plan);

// A conversation: all its tokens are known; the KV pages hold the first `position` of them.
struct Conversation {
  std::vector<int32_t> tokens;
  std::vector<uint32_t> pages;
  uint32_t slot = 0;
  uint32_t position = 0;
  bool has_long_rope = false;
};

// A conversation's rows in a step.
struct Part {
  Conversation* conversation;
  uint32_t rows;
  uint32_t flags = NF_SEQUENCE_SAMPLE;
};

class TinyModel {
 public:
  static constexpr uint32_t kVocab = 97;
  static constexpr uint32_t kMaxRows = 64;
  static constexpr uint32_t kMaxSequences = 24;
  static constexpr uint32_t kMaxPositions = 192;

  explicit TinyModel(const TinyOptions& options, uint64_t seed = 1);

  nf::Engine& engine() { return *engine_; }
  nf::Program& sequential() { return *sequential_; }
  nf::Program& add_program(const nf::Plan& plan);

  // A conversation with its own pages and slot. At most kMaxSequences of them.
  Conversation& converse(std::vector<int32_t> tokens);
  Conversation& converse(uint32_t length, uint64_t seed);

  // Runs a step and advances the conversations; the parts with one row that come first are decodes,
  // as many as `decodes` says. Returns the logits [kVocab] after the last row of each part that
  // samples. With NF_SEQUENCE_SAMPLE_ALL rows before the end of the conversation are scored.
  std::vector<std::vector<float>> step(nf::Program& program, const std::vector<Part>& parts,
                                       uint32_t decodes);
  // Sampled tokens of the last step.
  const std::vector<int32_t>& sampled() const { return sampled_; }
  const std::vector<float>& logprobs() const { return logprobs_; }

 private:
  void load_weights(const TinyOptions& options, uint64_t seed);

  std::unique_ptr<nf::Engine> engine_;
  nf::Program* sequential_ = nullptr;
  std::vector<std::unique_ptr<Conversation>> conversations_;
  std::vector<int32_t> sampled_;
  std::vector<float> logprobs_;
  uint32_t next_page_ = 0;
  uint32_t page_tokens_;
};

}  // namespace test
