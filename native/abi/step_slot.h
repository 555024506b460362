// A slot of an engine: the buffers in which a step is written, what is derived from them for the
// kernels, and the step that runs. Vectors are sized once and never move.
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

struct StepSlot {
  StepSlot(const nf_engine_options& options, uint32_t vocab)
      : mask_words((vocab + 31) / 32),
        tokens(options.max_step_rows),
        row_sequence(options.max_step_rows),
        row_position(options.max_step_rows),
        sequences(options.max_sequences),
        first_row(options.max_sequences),
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
        4 * sizeof(uint32_t) + NF_MAX_LOGPROBS * 2 * sizeof(float);
    return options.max_step_rows * per_row + options.max_sequences * per_sequence;
  }

  nf_step_buffers buffers() {
    return {.tokens = tokens.data(),
            .sequences = sequences.data(),
            .pages = pages.data(),
            .sampling = sampling.data(),
            .bias = bias.data(),
            .masks = masks.data(),
            .mask_words = mask_words,
            .pages_capacity = static_cast<uint32_t>(pages.size())};
  }

  uint32_t mask_words;
  std::vector<int32_t> tokens;
  std::vector<uint32_t> row_sequence;
  std::vector<uint32_t> row_position;
  std::vector<nf_sequence> sequences;
  std::vector<uint32_t> first_row;
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

}  // namespace nf
