#include "abi/engine.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "abi/backends.h"
#include "abi/step_slot.h"
#include "core/check.h"
#include "models/models.h"
#include "models/rope.h"

namespace nf {

namespace {

// Limits of the options, far above real use. Products of them stay within 64 bits; those that could
// not, the KV pages and the page tables, have a limit of their own.
constexpr uint32_t kMaxStepRows = 1u << 17;
constexpr uint32_t kMaxSequences = 1u << 14;
constexpr uint32_t kMaxPositions = 1u << 22;
constexpr uint32_t kMaxPages = 1u << 28;
constexpr uint32_t kMaxTableEntries = 1u << 30;      // page tables of a slot
constexpr uint32_t kMaxSpans = 1u << 23;             // of a trace: 256 MB
constexpr uint64_t kMaxKvBytes = uint64_t{1} << 47;  // what a process can address

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
  check_range(options.num_pages, 0, kMaxPages, "num_pages");
  const uint32_t page = options.page_tokens;
  NF_CHECK(page == 16 || page == 32 || page == 64 || page == 128, NF_INVALID_ARGUMENT,
           "options: page_tokens must be 16, 32, 64 or 128");
  const uint64_t entries = uint64_t{options.max_sequences} * pages_of_sequence(options);
  NF_CHECK(entries <= kMaxTableEntries, NF_INVALID_ARGUMENT,
           "options: max_sequences x max_positions / page_tokens = " + std::to_string(entries) +
               ", allowed 1.." + std::to_string(kMaxTableEntries));
  return options;
}

bool has_pages(const Graph& graph) { return graph.dims.num_layers > 0; }

size_t page_bytes(const nf_engine_options& options, const Graph& graph, const Backend& backend) {
  if (!has_pages(graph)) return 0;
  return backend.kv_page_bytes(options.page_tokens, graph.dims.num_kv_heads, graph.dims.head_dim);
}

// Of cos and sin together, for all sequences or for long ones.
uint64_t rope_bytes(const nf_engine_options& options, const Graph& graph) {
  return uint64_t{options.max_positions} * graph.dims.head_dim * sizeof(float);
}

uint32_t rope_tables(const nf_engine_options& options, const nf_model_spec& spec) {
  return has_long_rope(spec, options.max_positions) ? 2 : 1;
}

uint64_t penalty_bytes(const nf_engine_options& options, const Graph& graph) {
  return uint64_t{options.max_sequences} * graph.dims.vocab * sizeof(uint16_t);
}

uint64_t pooled_bytes(const nf_engine_options& options, const Graph& graph) {
  return uint64_t{options.max_sequences} * graph.dims.hidden * sizeof(float);
}

// A model whose weights have no kernels whatever their shape is refused before they are laid out.
const nf_model_spec& checked(const nf_model_spec& spec, const Backend& backend) {
  constexpr uint32_t kInt8 = NF_MODEL_INT8_LAYERS | NF_MODEL_INT8_HEAD;
  const auto reads_int8 = [](const Kernel& kernel) { return kernel.weight == DType::kI8; };
  NF_CHECK((spec.flags & kInt8) == 0 || std::ranges::any_of(backend.kernels(), reads_int8),
           NF_UNSUPPORTED,
           std::string(backend.info().name) + " has no int8 kernels: int8 weights run on the CPU");
  return spec;
}

// A model whose shapes have no kernels is refused before memory is taken.
void check_kernels(const Graph& graph, const Backend& backend) {
  for (const auto& ops : graph.segments) {
    for (const Op& op : ops) {
      const DType format = is_gemm(op.kind) ? graph.weights[op.weight].format : DType::kPlain;
      if (find_kernel(backend.kernels(), op, format, 0) != nullptr) continue;
      std::string shape = std::to_string(op.shape.out) + " x " + std::to_string(op.shape.in);
      if (op.shape.head_dim > 0) shape = "head_dim = " + std::to_string(op.shape.head_dim);
      throw Error(NF_UNSUPPORTED, std::string(backend.info().name) + " has no kernel for " +
                                      op.name + " with " + shape);
    }
  }
}

}  // namespace

// Greedy, without anything that names memory.
constexpr nf_sampling kPlainSampling{0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};

nf_memory Engine::plan_memory(const nf_engine_options& options, const nf_model_spec& spec) {
  checked(options);
  const std::unique_ptr<Backend> backend = open_backend(options);
  const Graph graph = build_graph(checked(spec, *backend), backend->activation_types());
  check_kernels(graph, *backend);
  const WeightStore weights(graph, *backend, spec);
  nf_memory memory{};
  memory.weights = weights.packed_bytes();
  memory.arena = place_arena(graph, options.max_step_rows, options.max_sequences).total_bytes;
  memory.kv_page = page_bytes(options, graph, *backend) * graph.dims.num_layers;
  memory.sampling = penalty_bytes(options, graph) + pooled_bytes(options, graph);
  memory.steps = options.num_slots * StepSlot::bytes(options, graph.dims.vocab) +
                 rope_tables(options, spec) * rope_bytes(options, graph);
  memory.largest_tensor = weights.largest_source_bytes();
  return memory;
}

Engine::Engine(const nf_engine_options& options, const nf_model_spec& spec)
    : Engine(options, spec, open_backend(options)) {}

Engine::Engine(const nf_engine_options& options, const nf_model_spec& spec,
               std::unique_ptr<Backend> backend)
    : options_(checked(options)),
      backend_(std::move(backend)),
      graph_(build_graph(checked(spec, *backend_), backend_->activation_types())),
      weights_(graph_, *backend_, spec),
      check_(options_, graph_, has_long_rope(spec, options.max_positions)) {
  check_kernels(graph_, *backend_);
  allocate(spec);
  for (uint32_t i = 0; i < options_.num_slots; ++i) {
    slots_.push_back(std::make_unique<StepSlot>(options_, graph_.dims.vocab, *backend_));
  }
}

// Steps run in the order of submission, which need not be that of the slots: all are released
// before one is waited for. What the caller wrote for a step it never released was not checked.
Engine::~Engine() {
  for (const auto& slot : slots_) {
    if (!slot->in_flight || slot->released.reached(slot->step.number)) continue;
    std::fill_n(slot->sampling.host, slot->sampling.capacity, kPlainSampling);
    slot->note_sampling_inputs();
    slot->released.signal(slot->step.number);
  }
  completed_.wait(steps_submitted_);
  programs_.clear();
  backend_.reset();  // both join the lanes, which may still be leaving the last step
}

void Engine::allocate(const nf_model_spec& spec) {
  const size_t page = page_bytes(options_, graph_, *backend_);
  const size_t kv_bytes = checked_kv_bytes(page);
  weights_.allocate();
  memory_.weights = weights_.views();
  memory_.layout = place_arena(graph_, options_.max_step_rows, options_.max_sequences);
  memory_.arena = backend_->allocate(memory_.layout.total_bytes, "activations");
  const uint32_t sequences = options_.max_sequences;
  last_tokens_ =
      reinterpret_cast<int32_t*>(backend_->allocate(sequences * sizeof(int32_t), "last tokens"));
  penalty_counts_ = reinterpret_cast<uint16_t*>(
      backend_->allocate(penalty_bytes(options_, graph_), "penalty counts"));
  pooled_ =
      reinterpret_cast<float*>(backend_->allocate(pooled_bytes(options_, graph_), "pooled states"));
  pooled_rows_ = reinterpret_cast<uint32_t*>(
      backend_->allocate(sequences * sizeof(uint32_t), "counts of pooled rows"));
  if (!has_pages(graph_)) return;
  memory_.kv_layer_bytes = page * options_.num_pages;
  memory_.kv.layer = backend_->allocate(kv_bytes, "KV pages");
  memory_.kv.page_bytes = page;
  memory_.kv.page_tokens = options_.page_tokens;
  memory_.kv.num_kv_heads = graph_.dims.num_kv_heads;
  memory_.kv.head_dim = graph_.dims.head_dim;
  allocate_rope(spec);
}

void Engine::allocate_rope(const nf_model_spec& spec) {
  const uint32_t positions = options_.max_positions;
  const size_t half = size_t{positions} * graph_.dims.head_dim / 2;
  const uint64_t bytes = rope_tables(options_, spec) * rope_bytes(options_, graph_);
  auto* rope = reinterpret_cast<float*>(backend_->allocate(bytes, "RoPE table"));
  const auto fill = [&](bool is_long, float* target) {
    std::vector<float> table(2 * half);
    fill_rope_table(spec, is_long, positions, table.data(), table.data() + half);
    backend_->write(reinterpret_cast<std::byte*>(target), table.data(),
                    table.size() * sizeof(float));
  };
  fill(false, rope);
  memory_.rope = {rope, rope + half};
  if (!has_long_rope(spec, positions)) return;
  fill(true, rope + 2 * half);
  memory_.rope.long_cos = rope + 2 * half;
  memory_.rope.long_sin = rope + 3 * half;
}

size_t Engine::checked_kv_bytes(size_t page) const {
  if (!has_pages(graph_)) return 0;
  check_range(options_.num_pages, 1, kMaxPages, "num_pages");
  const uint64_t bytes = uint64_t{page} * graph_.dims.num_layers;  // of a page in all layers
  NF_CHECK(options_.num_pages <= kMaxKvBytes / bytes, NF_INVALID_ARGUMENT,
           "options: num_pages = " + std::to_string(options_.num_pages) + " pages of " +
               std::to_string(bytes) + " bytes are more than an address space holds");
  return options_.num_pages * bytes;
}

void Engine::make_ready() {
  weights_.check_complete();
  ready_ = true;
}

Program& Engine::create_program(const nf_plan& plan) {
  programs_.push_back(std::make_unique<Program>(graph_, memory_, copy_plan(plan), *backend_));
  return *programs_.back();
}

bool Engine::owns(const Program* program) const {
  return std::any_of(programs_.begin(), programs_.end(),
                     [program](const auto& owned) { return owned.get() == program; });
}

// A program that a step in flight still runs stays until the engine goes.
void Engine::destroy_program(Program* program) {
  for (const auto& slot : slots_) {
    if (slot->in_flight && slot->step.program == program) return;
  }
  std::erase_if(programs_, [program](const auto& owned) { return owned.get() == program; });
}

StepSlot& Engine::slot_at(uint32_t slot) const {
  NF_CHECK(slot < slots_.size(), NF_INVALID_ARGUMENT,
           "slot " + std::to_string(slot) + " is out of range");
  return *slots_[slot];
}

void Engine::map(uint32_t index, nf_step_buffers& out) { out = slot_at(index).buffers(); }

void Engine::submit(uint32_t index, Program& program, const nf_step_shape& shape) {
  StepSlot& slot = checked_step(index, program, shape);
  slot.step.body = execute;
  slot.step.observer = observer_;
  slot.in_flight = true;
  start(slot, program);
}

// The slot, when what the caller wrote there is safe to run.
StepSlot& Engine::checked_step(uint32_t index, const Program& program, const nf_step_shape& shape) {
  StepSlot& slot = slot_at(index);
  check_device();
  NF_CHECK(ready_, NF_INVALID_ARGUMENT, "submit: the weights are not complete");
  NF_CHECK(!slot.in_flight, NF_INVALID_ARGUMENT, "submit: the slot's step was not waited for");
  NF_CHECK(owns(&program), NF_INVALID_ARGUMENT, "submit: the program is not of this engine");
  check_.check_step(slot.buffers(), shape);
  fill_batch(slot, shape);
  return slot;
}

void Engine::check_device() const {
  const std::string failure = backend_->failure();
  NF_CHECK(failure.empty(), NF_DEVICE_LOST, failure);
}

void Engine::start(StepSlot& slot, Program& program) {
  StepState& step = slot.step;
  step.program = &program;
  step.number = ++steps_submitted_;
  step.released = &slot.released;
  step.completed = &completed_;
  step.lanes_left.store(program.num_lanes(), std::memory_order_relaxed);
  step.started_ns.store(0, std::memory_order_relaxed);
  step.arrived_ns.store(0, std::memory_order_relaxed);
  backend_->run(step);
}

bool Engine::is_idle() const {
  return std::none_of(slots_.begin(), slots_.end(),
                      [](const auto& slot) { return slot->in_flight; });
}

void Engine::measure(uint32_t index, Program& program, const nf_step_shape& shape,
                     std::span<nf_measure_item> items, MeasureGoal goal) {
  NF_CHECK(is_idle(), NF_INVALID_ARGUMENT, "measure: a step was not waited for");
  StepSlot& slot = checked_step(index, program, shape);
  check_.check_sampling(slot.buffers(), slot.step.batch.num_samples);
  slot.note_sampling_inputs();
  Measurement measurement(program, slot.step.batch, items, goal, *backend_);
  slot.step.body = Measurement::run;
  slot.step.measurement = &measurement;
  start(slot, program);
  slot.released.signal(slot.step.number);
  completed_.wait(slot.step.number);
  slot.step.measurement = nullptr;
  check_device();
  measurement.read(items);
}

void Engine::fill_batch(StepSlot& slot, const nf_step_shape& shape) {
  slot.fill_batch(shape, graph_.dims.num_kv_heads, *backend_);
  Batch& batch = slot.step.batch;
  batch.last_tokens = last_tokens_;
  batch.penalty_counts = penalty_counts_;
  batch.pooled = pooled_;
  batch.pooled_rows = pooled_rows_;
}

void Engine::release(uint32_t index) {
  StepSlot& slot = slot_at(index);
  NF_CHECK(slot.in_flight, NF_INVALID_ARGUMENT, "release: the slot has no step in flight");
  check_.check_sampling(slot.buffers(), slot.step.batch.num_samples);
  slot.note_sampling_inputs();
  if (!slot.released.reached(slot.step.number)) slot.step.released_ns = now_ns();
  slot.released.signal(slot.step.number);
}

bool Engine::wait(uint32_t index, uint32_t timeout_us, nf_step_result& out) {
  StepSlot& slot = slot_at(index);
  NF_CHECK(slot.in_flight, NF_INVALID_ARGUMENT, "wait: the slot has no step in flight");
  StepState& step = slot.step;
  if (!completed_.wait_for(step.number, timeout_us)) return false;
  slot.in_flight = false;
  check_device();
  out.tokens = slot.out_tokens;
  out.logprobs = slot.out_logprobs;
  out.top_tokens = slot.out_top_tokens;
  out.top_logprobs = slot.out_top_logprobs;
  out.num_samples = step.batch.num_samples;
  const int64_t idle_ns = std::max<int64_t>(0, step.released_ns - step.arrived_ns.load());
  const int64_t busy_ns = step.finished_ns.load() - step.started_ns.load() - idle_ns;
  out.device_us = static_cast<uint32_t>(busy_ns / 1000);
  return true;
}

void Engine::start_trace(uint32_t max_spans) {
  NF_CHECK(is_idle(), NF_INVALID_ARGUMENT, "trace: a step was not waited for");
  NF_CHECK(trace_ == nullptr, NF_INVALID_ARGUMENT, "trace: it has been started already");
  NF_CHECK(max_spans >= 1 && max_spans <= kMaxSpans, NF_INVALID_ARGUMENT,
           "trace: max_spans = " + std::to_string(max_spans) + ", allowed 1.." +
               std::to_string(kMaxSpans));
  trace_ = std::make_unique<Trace>(max_spans);
  observer_ = trace_.get();
}

Trace& Engine::running_trace() const {
  NF_CHECK(trace_ != nullptr, NF_INVALID_ARGUMENT, "trace: it has not been started");
  NF_CHECK(is_idle(), NF_INVALID_ARGUMENT, "trace: a step was not waited for");
  return *trace_;
}

uint32_t Engine::read_trace(std::span<nf_span> out, uint64_t& dropped) {
  Trace& trace = running_trace();
  const uint32_t count = trace.read(out);
  dropped = trace.dropped();
  return count;
}

void Engine::stop_trace() {
  running_trace();
  observer_ = nullptr;
  trace_.reset();
}

void Engine::copy_logits(uint32_t index, uint32_t sample, float* out, uint32_t capacity) const {
  const StepSlot& slot = slot_at(index);
  NF_CHECK(!slot.in_flight && slot.step.number == steps_submitted_ && steps_submitted_ > 0,
           NF_INVALID_ARGUMENT, "logits: not the last completed step");
  NF_CHECK(sample < slot.step.batch.num_samples && capacity >= graph_.dims.vocab,
           NF_INVALID_ARGUMENT, "logits: sample or capacity is out of range");
  for (TensorId t = 0; t < graph_.tensors.size(); ++t) {
    if (graph_.tensors[t].name != "logits") continue;
    const std::byte* row = memory_.arena + memory_.layout.offset(graph_, t, 0) +
                           size_t{sample} * graph_.dims.vocab * sizeof(float);
    backend_->read(out, row, graph_.dims.vocab * sizeof(float));
    return;
  }
  throw Error(NF_UNSUPPORTED, "logits: this model has none");
}

void Engine::copy_pooled(uint32_t sequence_slot, float* out, uint32_t capacity) const {
  const uint32_t hidden = graph_.dims.hidden;
  NF_CHECK(hidden > 0, NF_UNSUPPORTED, "pooled: this model has no hidden states");
  NF_CHECK(sequence_slot < options_.max_sequences && capacity >= hidden, NF_INVALID_ARGUMENT,
           "pooled: sequence_slot or capacity is out of range");
  uint32_t rows = 0;
  backend_->read(&rows, reinterpret_cast<const std::byte*>(pooled_rows_ + sequence_slot),
                 sizeof(rows));
  NF_CHECK(rows > 0, NF_INVALID_ARGUMENT, "pooled: no step has named the slot with a pooling flag");
  const float* sum = pooled_ + size_t{sequence_slot} * hidden;
  backend_->read(out, reinterpret_cast<const std::byte*>(sum), hidden * sizeof(float));
  for (uint32_t i = 0; i < hidden; ++i) out[i] /= static_cast<float>(rows);
}

}  // namespace nf
