// One device, one model, its KV pages, and the slots in which steps are written and run.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "abi/step_check.h"
#include "core/executor.h"
#include "core/graph.h"
#include "core/measure.h"
#include "core/model_memory.h"
#include "core/program.h"
#include "core/trace.h"
#include "models/weights.h"
#include "nanoflow.h"

namespace nf {

class StepSlot;

class Engine {
 public:
  Engine(const nf_engine_options& options, const nf_model_spec& spec);
  // On a backend that is already open; the device kind of the options is not used.
  Engine(const nf_engine_options& options, const nf_model_spec& spec,
         std::unique_ptr<Backend> backend);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // What an engine would allocate, without allocating.
  static nf_memory plan_memory(const nf_engine_options& options, const nf_model_spec& spec);

  const nf_device_info& device() const { return backend_->info(); }
  const Graph& graph() const { return graph_; }
  Backend& backend() const { return *backend_; }
  WeightStore& weights() { return weights_; }
  const WeightStore& weights() const { return weights_; }
  void make_ready();

  Program& create_program(const nf_plan& plan);
  void destroy_program(Program* program);

  void map(uint32_t slot, nf_step_buffers& out);
  void submit(uint32_t slot, Program& program, const nf_step_shape& shape);
  void release(uint32_t slot);
  // False on timeout.
  bool wait(uint32_t slot, uint32_t timeout_us, nf_step_result& out);
  // Loops nano-ops of the program on the slot's step and writes their times (measure.h). Blocks.
  void measure(uint32_t slot, Program& program, const nf_step_shape& shape,
               std::span<nf_measure_item> items, MeasureGoal goal);

  // Records every launch from the next submit on, up to max_spans until they are read.
  void start_trace(uint32_t max_spans);
  uint32_t read_trace(std::span<nf_span> out, uint64_t& dropped);
  void stop_trace();

  void copy_logits(uint32_t slot, uint32_t sample, float* out, uint32_t capacity) const;
  void copy_pooled(uint32_t sequence_slot, float* out, uint32_t capacity) const;

  // Sees every launch from the next submit on; null to stop. For tests.
  void observe(ExecutionObserver* observer) { observer_ = observer; }
  const ModelMemory& memory() const { return memory_; }

 private:
  StepSlot& slot_at(uint32_t slot) const;
  void allocate(const nf_model_spec& spec);
  void allocate_rope(const nf_model_spec& spec);
  size_t checked_kv_bytes(size_t page) const;
  bool owns(const Program* program) const;
  StepSlot& checked_step(uint32_t slot, const Program& program, const nf_step_shape& shape);
  void fill_batch(StepSlot& slot, const nf_step_shape& shape);
  void check_device() const;
  void start(StepSlot& slot, Program& program);
  bool is_idle() const;
  Trace& running_trace() const;

  nf_engine_options options_;
  std::unique_ptr<Backend> backend_;
  Graph graph_;
  WeightStore weights_;
  StepCheck check_;
  ModelMemory memory_;
  int32_t* last_tokens_ = nullptr;      // [max_sequences]
  uint16_t* penalty_counts_ = nullptr;  // [max_sequences, vocab]
  float* pooled_ = nullptr;             // [max_sequences, hidden]
  uint32_t* pooled_rows_ = nullptr;     // [max_sequences]
  std::vector<std::unique_ptr<StepSlot>> slots_;
  std::vector<std::unique_ptr<Program>> programs_;
  ExecutionObserver* observer_ = nullptr;
  std::unique_ptr<Trace> trace_;  // the observer, while there is a trace
  uint64_t steps_submitted_ = 0;
  Completion completed_;  // number of the last completed step
  bool ready_ = false;
};

}  // namespace nf
