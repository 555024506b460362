// A slot of an engine: the buffers in which a step is written, what is derived from them for the
// kernels, and the step that runs. Memory is taken once and never moves.
#pragma once

#include <cstdint>
#include <vector>

#include "core/event.h"
#include "core/executor.h"
#include "nanoflow.h"

namespace nf {

inline uint32_t pages_of_sequence(const nf_engine_options& options) {
  return (options.max_positions + options.page_tokens - 1) / options.page_tokens;
}

// An array in mirrored memory: the host writes it at `host`, kernels read it at `device`.
template <typename T>
struct MirroredArray {
  T* host = nullptr;
  T* device = nullptr;
  size_t capacity = 0;

  CopyRange first(size_t count) const {
    return {reinterpret_cast<const std::byte*>(host), reinterpret_cast<std::byte*>(device),
            count * sizeof(T)};
  }
};

class StepSlot {
 public:
  // The slot lives no longer than the backend.
  StepSlot(const nf_engine_options& options, uint32_t vocab, Backend& backend);

  static uint64_t bytes(const nf_engine_options& options, uint32_t vocab);

  nf_step_buffers buffers() {
    return {.tokens = tokens.host,
            .sequences = sequences.host,
            .pages = pages.host,
            .sampling = sampling.host,
            .bias = bias.host,
            .masks = masks.host,
            .mask_words = mask_words,
            .pages_capacity = static_cast<uint32_t>(pages.capacity)};
  }

  // Derives what kernels need from a checked step: rows, samples, and the step's two batches.
  // State that lives across steps is the caller's to add to step.batch.
  void fill_batch(const nf_step_shape& shape, const Backend& backend);
  // After the slot's sampling was checked: what the step copies when it is released.
  void note_sampling_inputs();

  uint32_t mask_words;
  MirroredArray<int32_t> tokens;
  MirroredArray<uint32_t> row_sequence;
  MirroredArray<uint32_t> row_position;
  MirroredArray<nf_sequence> sequences;
  MirroredArray<uint32_t> first_row;
  MirroredArray<uint32_t> pages;
  MirroredArray<uint32_t> sample_row;
  MirroredArray<uint32_t> first_part;
  MirroredArray<uint32_t> first_tile;
  MirroredArray<nf_sampling> sampling;
  MirroredArray<nf_bias> bias;
  MirroredArray<uint32_t> masks;
  int32_t* out_tokens = nullptr;
  float* out_logprobs = nullptr;
  int32_t* out_top_tokens = nullptr;
  float* out_top_logprobs = nullptr;

  StepState step;
  Event released;
  bool in_flight = false;

 private:
  // Calls place(array, capacity) for every input, then place_result(pointer, count) for every
  // result.
  template <typename Place, typename PlaceResult>
  void each_array(const nf_engine_options& options, uint32_t vocab, Place place,
                  PlaceResult place_result);

  StepSlot() = default;
  void fill_rows(const nf_step_shape& shape);
  void fill_padding(uint32_t launch_rows);
  Batch batch_of(const nf_step_shape& shape, bool on_device) const;

  uint32_t max_sequences_ = 0;
  uint32_t max_step_rows_ = 0;
  uint32_t num_samples_ = 0;
};

}  // namespace nf
