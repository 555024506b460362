#include "tiny_model.h"

#include <cmath>
#include <random>

#include "abi/backends.h"
#include "check.h"
#include "core/block_formats.h"
#include "random_blocks.h"

namespace test {

namespace {

nf::DType format_of(const TinyOptions& options, const std::string& name) {
  for (const nf_tensor_format& format : options.formats) {
    if (name == format.name) return static_cast<nf::DType>(format.dtype);
  }
  return nf::DType::kPlain;
}

}  // namespace

std::unique_ptr<nf::Backend> open_device(uint32_t device, uint32_t threads) {
  nf_engine_options options{};
  options.device_kind = device;
  options.num_threads = threads;
  return nf::open_backend(options);
}

// Queries have 32 rows and keys and values 16: their sections are no whole panels.
TinyOptions mixed_formats(uint32_t device) {
  return {.device = device,
          .threads = 2,
          .layers = 2,
          .head_dim = 8,
          .tied = true,
          .hidden = 256,
          .intermediate = 256,
          .formats = {{"model.embed_tokens.weight", NF_DTYPE_Q6_K, 0},
                      {"model.layers.0.self_attn.q_proj.weight", NF_DTYPE_Q4_K, 0},
                      {"model.layers.0.self_attn.k_proj.weight", NF_DTYPE_Q4_K, 0},
                      {"model.layers.0.self_attn.v_proj.weight", NF_DTYPE_Q6_K, 0},
                      {"model.layers.0.self_attn.o_proj.weight", NF_DTYPE_Q8_0, 0},
                      {"model.layers.0.mlp.gate_proj.weight", NF_DTYPE_Q4_K, 0},
                      {"model.layers.0.mlp.up_proj.weight", NF_DTYPE_Q4_0, 0},
                      {"model.layers.0.mlp.down_proj.weight", NF_DTYPE_Q6_K, 0},
                      {"model.layers.1.self_attn.q_proj.weight", NF_DTYPE_Q8_0, 0},
                      {"model.layers.1.self_attn.v_proj.weight", NF_DTYPE_Q8_0, 0},
                      {"model.layers.1.self_attn.o_proj.weight", NF_DTYPE_Q4_0, 0},
                      {"model.layers.1.mlp.up_proj.weight", NF_DTYPE_Q8_0, 0},
                      {"model.layers.1.mlp.down_proj.weight", NF_DTYPE_Q4_K, 0}}};
}

nf_model_spec tiny_spec(const TinyOptions& options) {
  nf_model_spec spec{};
  spec.struct_size = sizeof(spec);
  spec.architecture = options.architecture;
  if (!options.windows.empty()) spec.layer_windows = options.windows.data();
  if (options.bias) spec.flags |= NF_MODEL_ATTENTION_BIAS | NF_MODEL_MLP_BIAS;
  if (options.tied) spec.flags |= NF_MODEL_TIED_EMBEDDINGS;
  spec.flags |= options.int8;
  spec.num_layers = options.layers;
  spec.hidden = options.hidden;
  spec.intermediate = options.intermediate;
  spec.formats = options.formats.data();
  spec.num_formats = static_cast<uint32_t>(options.formats.size());
  spec.num_heads = 4;
  spec.num_kv_heads = options.kv_heads;
  spec.head_dim = options.head_dim;
  spec.num_experts = options.experts;
  spec.experts_per_token = options.experts_per_token;
  spec.expert_intermediate = options.experts > 0 ? 48 : 0;
  if (options.experts > 0) spec.flags |= NF_MODEL_NORM_TOPK;
  spec.vocab = TinyModel::kVocab;
  spec.rope_theta = 10000;
  spec.rms_norm_eps = 1e-5f;
  spec.attention_softcap = options.attention_softcap;
  spec.logit_softcap = options.logit_softcap;
  spec.embedding_scale = options.embedding_scale;
  if (!options.short_factors.empty()) {
    spec.rope_scaling = NF_ROPE_SCALING_FACTORS;
    spec.rope_short_factors = options.short_factors.data();
    spec.rope_long_factors = options.long_factors.data();
    spec.rope_original_positions = TinyModel::kMaxPositions / 2;
    spec.rope_attention_factor = 1.25f;
  }
  return spec;
}

nf_engine_options tiny_engine_options(const TinyOptions& options) {
  nf_engine_options engine{};
  engine.struct_size = sizeof(engine);
  engine.device_kind = options.device;
  engine.num_threads = options.threads;
  engine.max_step_rows = TinyModel::kMaxRows;
  engine.max_sequences = TinyModel::kMaxSequences;
  engine.max_positions = TinyModel::kMaxPositions;
  engine.page_tokens = options.page_tokens;
  engine.num_pages =
      TinyModel::kMaxSequences * (TinyModel::kMaxPositions / options.page_tokens + 1);
  engine.num_slots = 2;
  // Tests compare bits across plans and batches.
  engine.flags = options.device == NF_DEVICE_CUDA ? NF_ENGINE_BATCH_INVARIANT : 0;
  engine.operand_dtype = options.operand_dtype;
  return engine;
}

TinyModel::TinyModel(const TinyOptions& options, uint64_t seed)
    : engine_(std::make_unique<nf::Engine>(tiny_engine_options(options), tiny_spec(options))),
      page_tokens_(options.page_tokens) {
  load_weights(options, seed);
  engine_->make_ready();
  const uint32_t units = engine_->device().num_units;
  const bool on_host = options.device != NF_DEVICE_CUDA;
  sequential_ = &add_program(
      nf::sequential_plan(engine_->graph(), on_host ? std::min(options.threads, units) : units));
}

void TinyModel::load_weights(const TinyOptions& options, uint64_t seed) {
  nf::WeightStore& weights = engine_->weights();
  std::mt19937_64 random(seed);
  for (uint32_t i = 0; i < weights.count(); ++i) {
    nf_weight_info info;
    weights.describe(i, info);
    const bool matrix = info.rank == 2;
    const uint64_t count = info.shape[0] * (matrix ? info.shape[1] : 1);
    nf_tensor_source source{};
    source.struct_size = sizeof(source);
    const nf::DType format = format_of(options, info.name);
    if (is_block_format(format)) {
      const auto blocks = random_blocks(random, nf::block_format(format), count,
                                        0.6f / std::sqrt(float(options.hidden)));
      source.dtype = static_cast<uint32_t>(format);
      source.data = blocks.data();
      source.num_bytes = blocks.size();
      weights.load(i, source);
      continue;
    }
    // Wide enough that logits differ clearly; norms around one, biases around zero.
    const bool norm = std::string(info.name).find("norm") != std::string::npos;
    std::normal_distribution<float> values(norm ? 1.0f : 0.0f,
                                           matrix ? 0.6f / std::sqrt(float(options.hidden)) : 0.1f);
    std::vector<uint16_t> data(count);
    for (uint16_t& value : data) value = nf::to_bf16(values(random)).bits;
    source.dtype = NF_DTYPE_BF16;
    source.data = data.data();
    source.num_bytes = count * 2;
    weights.load(i, source);
  }
}

nf_plan view_of(const nf::Plan& plan) {
  nf_plan view{};
  view.struct_size = sizeof(view);
  view.step_rows = plan.step_rows;
  view.num_partitions = static_cast<uint32_t>(plan.partitions.size());
  view.num_lanes = static_cast<uint32_t>(plan.lanes.size());
  view.num_nano_ops = static_cast<uint32_t>(plan.nano_ops.size());
  view.num_order_edges = static_cast<uint32_t>(plan.order_edges.size());
  view.partitions = plan.partitions.data();
  view.lanes = plan.lanes.data();
  view.nano_ops = plan.nano_ops.data();
  view.order_edges = plan.order_edges.data();
  return view;
}

nf::Program& TinyModel::add_program(const nf::Plan& plan) {
  return engine_->create_program(view_of(plan));
}

Conversation& TinyModel::converse(std::vector<int32_t> tokens) {
  REQUIRE(conversations_.size() < kMaxSequences && tokens.size() <= kMaxPositions);
  auto conversation = std::make_unique<Conversation>();
  conversation->tokens = std::move(tokens);
  conversation->slot = static_cast<uint32_t>(conversations_.size());
  const auto length = static_cast<uint32_t>(conversation->tokens.size());
  for (uint32_t i = 0; i < (length + page_tokens_ - 1) / page_tokens_; ++i) {
    conversation->pages.push_back(next_page_++);
  }
  conversations_.push_back(std::move(conversation));
  return *conversations_.back();
}

Conversation& TinyModel::converse(uint32_t length, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<int32_t> tokens(length);
  for (int32_t& token : tokens) token = static_cast<int32_t>(random() % kVocab);
  return converse(std::move(tokens));
}

std::vector<std::vector<float>> TinyModel::step(nf::Program& program,
                                                const std::vector<Part>& parts, uint32_t decodes) {
  nf_step_buffers buffers{};
  engine_->map(0, buffers);
  nf_step_shape shape{};
  uint32_t num_samples = 0;
  for (const Part& part : parts) {
    Conversation& conversation = *part.conversation;
    nf_sequence& sequence = buffers.sequences[shape.num_sequences];
    sequence = {};
    sequence.slot = conversation.slot;
    sequence.row_count = part.rows;
    sequence.position = conversation.position;
    sequence.page_begin = shape.num_pages;
    sequence.page_count = static_cast<uint32_t>(conversation.pages.size());
    sequence.flags = part.flags;
    if (conversation.has_long_rope) sequence.flags |= NF_SEQUENCE_LONG_ROPE;
    for (const uint32_t page : conversation.pages) buffers.pages[shape.num_pages++] = page;
    for (uint32_t i = 0; i < part.rows; ++i) {
      buffers.tokens[shape.num_rows++] = conversation.tokens.at(conversation.position + i);
    }
    ++shape.num_sequences;
    for (uint32_t i = nf::num_samples(sequence); i > 0 && num_samples < kMaxSequences; --i) {
      nf_sampling& sampling = buffers.sampling[num_samples++];
      sampling = {};
      sampling.top_p = 1;
      sampling.repetition_penalty = 1;
      const uint32_t next = conversation.position + part.rows - i + 1;
      const bool all = (part.flags & NF_SEQUENCE_SAMPLE_ALL) != 0;
      if (!all || next >= conversation.tokens.size()) continue;
      sampling.flags = NF_SAMPLING_SCORE;
      sampling.target = static_cast<uint32_t>(conversation.tokens[next]);
    }
  }
  shape.num_decode = decodes;
  engine_->submit(0, program, shape);
  engine_->release(0);
  nf_step_result result{};
  while (!engine_->wait(0, 1'000'000, result)) {
  }
  sampled_.assign(result.tokens, result.tokens + result.num_samples);
  logprobs_.assign(result.logprobs, result.logprobs + result.num_samples);
  std::vector<std::vector<float>> logits;
  uint32_t end = 0;  // of the samples of a part
  for (uint32_t i = 0; i < parts.size(); ++i) {
    parts[i].conversation->position += parts[i].rows;
    const uint32_t samples = nf::num_samples(buffers.sequences[i]);
    end += samples;
    if (samples > 0) engine_->copy_logits(0, end - 1, logits.emplace_back(kVocab).data(), kVocab);
  }
  return logits;
}

}  // namespace test
