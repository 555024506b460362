#include "abi/engine.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "abi/backends.h"
#include "core/check.h"
#include "models/models.h"
#include "models/rope.h"

namespace nf {

namespace {

// Limits of the options: each keeps a product below within 64 bits and far above real use.
constexpr uint32_t kMaxStepRows = 1u << 17;
constexpr uint32_t kMaxSequences = 1u << 14;
constexpr uint32_t kMaxPositions = 1u << 22;
constexpr uint32_t kMaxPages = 1u << 28;

void check_range(uint32_t value, uint32_t low, uint32_t high, const char* name) {
  NF_CHECK(value >= low && value <= high, NF_INVALID_ARGUMENT,
           std::string("options: ") + name + " = " + std::to_string(value) + ", allowed " +
               std::to_string(low) + ".." + std::to_string(high));
}

const nf_engine_options& checked(const nf_engine_options& options) {
  check_range(options.max_step_rows, 1, kMaxStepRows, "max_step_rows");
  check_range(options.max_sequences, 1, kMaxSequences, "max_sequences");
  check_range(options.max_positions, 1, kMaxPositions, "max_positions");
  check_range(options.num_slots, 1, NF_MAX_SLOTS, "num_slots");
  const uint32_t page = options.page_tokens;
  NF_CHECK(page == 16 || page == 32 || page == 64 || page == 128, NF_INVALID_ARGUMENT,
           "options: page_tokens must be 16, 32, 64 or 128");
  return options;
}

bool has_pages(const Graph& graph) { return graph.dims.num_layers > 0; }

uint32_t pages_of_sequence(const nf_engine_options& options) {
  return (options.max_positions + options.page_tokens - 1) / options.page_tokens;
}

size_t page_bytes(const nf_engine_options& options, const Graph& graph, const Backend& backend) {
  if (!has_pages(graph)) return 0;
  return backend.kv_page_bytes(options.page_tokens, graph.dims.num_kv_heads, graph.dims.head_dim);
}

uint64_t rope_bytes(const nf_engine_options& options, const Graph& graph) {
  return uint64_t{options.max_positions} * graph.dims.head_dim * sizeof(float);
}

uint64_t penalty_bytes(const nf_engine_options& options, const Graph& graph) {
  return uint64_t{options.max_sequences} * graph.dims.vocab * sizeof(uint16_t);
}

}  // namespace

// The buffers of one step. Vectors are sized once and never move.
struct Engine::Slot {
  Slot(const nf_engine_options& options, uint32_t vocab)
      : mask_words((vocab + 31) / 32),
        tokens(options.max_step_rows),
        row_sequence(options.max_step_rows),
        row_position(options.max_step_rows),
        sequences(options.max_sequences),
        pages(size_t{options.max_sequences} * pages_of_sequence(options)),
        sampling(options.max_sequences),
        bias(size_t{options.max_sequences} * NF_MAX_BIAS),
        masks(size_t{options.max_sequences} * mask_words),
        sample_row(options.max_sequences),
        out_tokens(options.max_sequences),
        out_logprobs(options.max_sequences),
        out_top_tokens(size_t{options.max_sequences} * NF_MAX_LOGPROBS),
        out_top_logprobs(size_t{options.max_sequences} * NF_MAX_LOGPROBS) {}

  static uint64_t bytes(const nf_engine_options& options, uint32_t vocab) {
    const uint64_t per_row = 3 * sizeof(uint32_t);
    const uint64_t per_sequence =
        sizeof(nf_sequence) + sizeof(nf_sampling) + NF_MAX_BIAS * sizeof(nf_bias) +
        pages_of_sequence(options) * sizeof(uint32_t) + (vocab + 31) / 32 * sizeof(uint32_t) +
        3 * sizeof(uint32_t) + NF_MAX_LOGPROBS * 2 * sizeof(float);
    return options.max_step_rows * per_row + options.max_sequences * per_sequence;
  }

  uint32_t mask_words;
  std::vector<int32_t> tokens;
  std::vector<uint32_t> row_sequence;
  std::vector<uint32_t> row_position;
  std::vector<nf_sequence> sequences;
  std::vector<uint32_t> pages;
  std::vector<nf_sampling> sampling;
  std::vector<nf_bias> bias;
  std::vector<uint32_t> masks;
  std::vector<uint32_t> sample_row;
  std::vector<int32_t> out_tokens;
  std::vector<float> out_logprobs;
  std::vector<int32_t> out_top_tokens;
  std::vector<float> out_top_logprobs;

  StepState step;
  Event released;
  bool in_flight = false;
};

nf_memory Engine::plan_memory(const nf_engine_options& options, const nf_model_spec& spec) {
  checked(options);
  const std::unique_ptr<Backend> backend = open_backend(options.device_kind, options.num_threads);
  const Graph graph = build_graph(spec, backend->operand_dtype());
  const WeightStore weights(graph, *backend);
  nf_memory memory{};
  memory.weights = weights.packed_bytes();
  memory.arena = place_arena(graph, options.max_step_rows, options.max_sequences).total_bytes;
  memory.kv_page = page_bytes(options, graph, *backend) * graph.dims.num_layers;
  memory.sampling = penalty_bytes(options, graph);
  memory.steps =
      options.num_slots * Slot::bytes(options, graph.dims.vocab) + rope_bytes(options, graph);
  memory.largest_tensor = weights.largest_source_bytes();
  return memory;
}

Engine::Engine(const nf_engine_options& options, const nf_model_spec& spec)
    : options_(checked(options)),
      backend_(open_backend(options.device_kind, options.num_threads)),
      spec_(spec),
      graph_(build_graph(spec, backend_->operand_dtype())),
      weights_(graph_, *backend_) {
  spec_.architecture = nullptr;
  spec_.layer_windows = nullptr;
  if (has_pages(graph_)) check_range(options.num_pages, 1, kMaxPages, "num_pages");
  allocate();
  for (uint32_t i = 0; i < options_.num_slots; ++i) {
    slots_.push_back(std::make_unique<Slot>(options_, graph_.dims.vocab));
  }
}

Engine::~Engine() {
  for (const auto& slot : slots_) {
    if (!slot->in_flight) continue;
    slot->released.signal(slot->step.number);
    completed_.wait(slot->step.number);
  }
  backend_.reset();  // joins the lanes, which may still be leaving the last step
}

void Engine::allocate() {
  weights_.allocate();
  memory_.weights = weights_.views();
  memory_.layout = place_arena(graph_, options_.max_step_rows, options_.max_sequences);
  memory_.arena = backend_->allocate(memory_.layout.total_bytes, "activations");
  const uint32_t sequences = options_.max_sequences;
  last_tokens_ =
      reinterpret_cast<int32_t*>(backend_->allocate(sequences * sizeof(int32_t), "last tokens"));
  penalty_counts_ = reinterpret_cast<uint16_t*>(
      backend_->allocate(penalty_bytes(options_, graph_), "penalty counts"));
  if (!has_pages(graph_)) return;
  const size_t page = page_bytes(options_, graph_, *backend_);
  memory_.kv_layer_bytes = page * options_.num_pages;
  memory_.kv.layer =
      backend_->allocate(memory_.kv_layer_bytes * graph_.dims.num_layers, "KV pages");
  memory_.kv.page_bytes = page;
  memory_.kv.page_tokens = options_.page_tokens;
  memory_.kv.num_kv_heads = graph_.dims.num_kv_heads;
  memory_.kv.head_dim = graph_.dims.head_dim;
  const size_t half = size_t{options_.max_positions} * graph_.dims.head_dim / 2;
  auto* rope =
      reinterpret_cast<float*>(backend_->allocate(rope_bytes(options_, graph_), "RoPE table"));
  fill_rope_table(spec_, options_.max_positions, rope, rope + half);
  memory_.rope = {rope, rope + half};
}

void Engine::make_ready() {
  weights_.check_complete();
  ready_ = true;
}

Program& Engine::create_program(const nf_plan& plan) {
  programs_.push_back(std::make_unique<Program>(graph_, memory_, copy_plan(plan), *backend_));
  return *programs_.back();
}

void Engine::destroy_program(Program* program) {
  std::erase_if(programs_, [program](const auto& owned) { return owned.get() == program; });
}

Engine::Slot& Engine::slot_at(uint32_t slot) const {
  NF_CHECK(slot < slots_.size(), NF_INVALID_ARGUMENT,
           "slot " + std::to_string(slot) + " is out of range");
  return *slots_[slot];
}

void Engine::map(uint32_t index, nf_step_buffers& out) {
  Slot& slot = slot_at(index);
  out.tokens = slot.tokens.data();
  out.sequences = slot.sequences.data();
  out.pages = slot.pages.data();
  out.sampling = slot.sampling.data();
  out.bias = slot.bias.data();
  out.masks = slot.masks.data();
  out.mask_words = slot.mask_words;
  out.pages_capacity = static_cast<uint32_t>(slot.pages.size());
}

void Engine::submit(uint32_t index, Program& program, const nf_step_shape& shape) {
  Slot& slot = slot_at(index);
  NF_CHECK(ready_, NF_INVALID_ARGUMENT, "submit: the weights are not complete");
  NF_CHECK(!slot.in_flight, NF_INVALID_ARGUMENT, "submit: the slot's step was not waited for");
  check_step(slot, shape);
  fill_batch(slot, shape);
  StepState& step = slot.step;
  step.program = &program;
  step.number = ++steps_submitted_;
  step.released = &slot.released;
  step.completed = &completed_;
  step.observer = observer_;
  step.lanes_left.store(program.num_lanes(), std::memory_order_relaxed);
  step.started_ns.store(0, std::memory_order_relaxed);
  step.waited_ns.store(0, std::memory_order_relaxed);
  slot.in_flight = true;
  backend_->run(step);
}

void Engine::check_step(const Slot& slot, const nf_step_shape& shape) const {
  const auto require = [](bool ok, const char* what, uint32_t sequence) {
    NF_CHECK(ok, NF_INVALID_ARGUMENT,
             std::string("submit: ") + what + " (sequence " + std::to_string(sequence) + ")");
  };
  require(shape.num_sequences >= 1 && shape.num_sequences <= options_.max_sequences,
          "num_sequences is out of range", 0);
  require(shape.num_decode <= shape.num_sequences, "num_decode exceeds num_sequences", 0);
  require(shape.num_rows <= options_.max_step_rows, "num_rows exceeds max_step_rows", 0);
  require(shape.num_pages <= slot.pages.size(), "num_pages exceeds pages_capacity", 0);
  uint64_t rows = 0;
  for (uint32_t s = 0; s < shape.num_sequences; ++s) {
    const nf_sequence& sequence = slot.sequences[s];
    require(sequence.slot < options_.max_sequences, "slot is out of range", s);
    require(sequence.row_count >= 1, "row_count is 0", s);
    require(s >= shape.num_decode || sequence.row_count == 1, "a decode has one row", s);
    const uint64_t end = uint64_t{sequence.position} + sequence.row_count;
    require(end <= options_.max_positions, "position exceeds max_positions", s);
    if (has_pages(graph_)) {
      require(uint64_t{sequence.page_count} * options_.page_tokens >= end,
              "page_count does not cover its tokens", s);
    }
    require(uint64_t{sequence.page_begin} + sequence.page_count <= shape.num_pages,
            "its page table exceeds num_pages", s);
    rows += sequence.row_count;
  }
  require(rows == shape.num_rows, "num_rows is not the sum of row_count", 0);
  for (uint32_t p = 0; p < shape.num_pages; ++p) {
    require(slot.pages[p] < options_.num_pages, "a page index is out of range", 0);
  }
  for (uint32_t r = 0; r < shape.num_rows; ++r) {
    require(slot.tokens[r] >= -1 && slot.tokens[r] < static_cast<int32_t>(graph_.dims.vocab),
            "a token is outside the vocabulary", 0);
  }
}

void Engine::fill_batch(Slot& slot, const nf_step_shape& shape) {
  uint32_t row = 0;
  uint32_t samples = 0;
  for (uint32_t s = 0; s < shape.num_sequences; ++s) {
    const nf_sequence& sequence = slot.sequences[s];
    for (uint32_t i = 0; i < sequence.row_count; ++i, ++row) {
      slot.row_sequence[row] = s;
      slot.row_position[row] = sequence.position + i;
    }
    if ((sequence.flags & NF_SEQUENCE_SAMPLE) != 0) slot.sample_row[samples++] = row - 1;
  }
  Batch& batch = slot.step.batch;
  batch.num_rows = shape.num_rows;
  batch.num_decode_rows = shape.num_decode;
  batch.num_sequences = shape.num_sequences;
  batch.num_samples = samples;
  batch.tokens = slot.tokens.data();
  batch.row_sequence = slot.row_sequence.data();
  batch.row_position = slot.row_position.data();
  batch.sequences = slot.sequences.data();
  batch.pages = slot.pages.data();
  batch.sample_row = slot.sample_row.data();
  batch.sampling = slot.sampling.data();
  batch.bias = slot.bias.data();
  batch.masks = slot.masks.data();
  batch.mask_words = slot.mask_words;
  batch.last_tokens = last_tokens_;
  batch.penalty_counts = penalty_counts_;
  batch.out_tokens = slot.out_tokens.data();
  batch.out_logprobs = slot.out_logprobs.data();
  batch.out_top_tokens = slot.out_top_tokens.data();
  batch.out_top_logprobs = slot.out_top_logprobs.data();
}

void Engine::release(uint32_t index) {
  Slot& slot = slot_at(index);
  NF_CHECK(slot.in_flight, NF_INVALID_ARGUMENT, "release: the slot has no step in flight");
  const Batch& batch = slot.step.batch;
  for (uint32_t s = 0; s < batch.num_samples; ++s) {
    const nf_sampling& sampling = slot.sampling[s];
    NF_CHECK(sampling.num_logprobs <= NF_MAX_LOGPROBS, NF_INVALID_ARGUMENT,
             "release: num_logprobs exceeds NF_MAX_LOGPROBS");
    NF_CHECK(uint64_t{sampling.bias_begin} + sampling.bias_count <= slot.bias.size(),
             NF_INVALID_ARGUMENT, "release: the bias range of a sample is out of bounds");
    for (uint32_t b = 0; b < sampling.bias_count; ++b) {
      NF_CHECK(slot.bias[sampling.bias_begin + b].token < graph_.dims.vocab, NF_INVALID_ARGUMENT,
               "release: a biased token is outside the vocabulary");
    }
  }
  slot.released.signal(slot.step.number);
}

bool Engine::wait(uint32_t index, uint32_t timeout_us, nf_step_result& out) {
  Slot& slot = slot_at(index);
  NF_CHECK(slot.in_flight, NF_INVALID_ARGUMENT, "wait: the slot has no step in flight");
  StepState& step = slot.step;
  if (!completed_.wait_for(step.number, timeout_us)) return false;
  slot.in_flight = false;
  out.tokens = slot.out_tokens.data();
  out.logprobs = slot.out_logprobs.data();
  out.top_tokens = slot.out_top_tokens.data();
  out.top_logprobs = slot.out_top_logprobs.data();
  out.num_samples = step.batch.num_samples;
  const int64_t busy_ns = step.finished_ns.load() - step.started_ns.load() - step.waited_ns.load();
  out.device_us = static_cast<uint32_t>(std::max<int64_t>(0, busy_ns) / 1000);
  return true;
}

void Engine::copy_logits(uint32_t index, uint32_t sample, float* out, uint32_t capacity) const {
  const Slot& slot = slot_at(index);
  NF_CHECK(!slot.in_flight && slot.step.number == steps_submitted_ && steps_submitted_ > 0,
           NF_INVALID_ARGUMENT, "logits: not the last completed step");
  NF_CHECK(sample < slot.step.batch.num_samples && capacity >= graph_.dims.vocab,
           NF_INVALID_ARGUMENT, "logits: sample or capacity is out of range");
  for (TensorId t = 0; t < graph_.tensors.size(); ++t) {
    if (graph_.tensors[t].name != "logits") continue;
    const std::byte* row = memory_.arena + memory_.layout.offset(graph_, t, 0) +
                           size_t{sample} * graph_.dims.vocab * sizeof(float);
    std::memcpy(out, row, graph_.dims.vocab * sizeof(float));
    return;
  }
  throw Error(NF_UNSUPPORTED, "logits: this model has none");
}

}  // namespace nf
