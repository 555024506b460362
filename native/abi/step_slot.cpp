#include "abi/step_slot.h"

#include <algorithm>

#include "abi/step_check.h"

namespace nf {

namespace {

constexpr size_t kAlignment = 256;  // what a device's copies and vector loads like

size_t align(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

template <typename Place, typename PlaceResult>
void StepSlot::each_array(const nf_engine_options& options, uint32_t vocab, Place place,
                          PlaceResult place_result) {
  const size_t rows = options.max_step_rows;
  const size_t samples = options.max_sequences;
  mask_words = (vocab + 31) / 32;
  place(tokens, rows);
  place(row_sequence, rows);
  place(row_position, rows);
  place(sequences, samples);
  place(first_row, samples);
  place(pages, samples * pages_of_sequence(options));
  place(sample_row, samples);
  place(first_part, samples + 1);
  place(first_tile, samples + 1);
  place(sampling, samples);
  place(bias, samples * NF_MAX_BIAS);
  place(masks, samples * mask_words);
  place_result(out_tokens, samples);
  place_result(out_logprobs, samples);
  place_result(out_top_tokens, samples * NF_MAX_LOGPROBS);
  place_result(out_top_logprobs, samples * NF_MAX_LOGPROBS);
}

uint64_t StepSlot::bytes(const nf_engine_options& options, uint32_t vocab) {
  uint64_t total = 0;
  const auto add = [&total](auto& array, size_t count) {
    total += align(count * sizeof(*array.host));
  };
  const auto add_result = [&total](auto* results, size_t count) {
    total += align(count * sizeof(*results));
  };
  StepSlot().each_array(options, vocab, add, add_result);
  return total;
}

StepSlot::StepSlot(const nf_engine_options& options, uint32_t vocab, Backend& backend)
    : max_sequences_(options.max_sequences), max_step_rows_(options.max_step_rows) {
  size_t inputs = 0;
  size_t results = 0;
  const auto add = [&inputs](auto& array, size_t count) {
    inputs += align(count * sizeof(*array.host));
  };
  const auto add_result = [&results](auto* array, size_t count) {
    results += align(count * sizeof(*array));
  };
  each_array(options, vocab, add, add_result);
  MirroredMemory memory = backend.allocate_mirrored(inputs, "the inputs of a step");
  std::byte* result = backend.allocate_results(results, "the results of a step");
  const auto place = [&memory](auto& array, size_t count) {
    using Array = std::remove_reference_t<decltype(array)>;
    using Element = std::remove_pointer_t<decltype(Array::host)>;
    array = {reinterpret_cast<Element*>(memory.host), reinterpret_cast<Element*>(memory.device),
             count};
    const size_t bytes = align(count * sizeof(Element));
    memory = {memory.host + bytes, memory.device + bytes};
  };
  const auto place_result = [&result](auto*& array, size_t count) {
    array = reinterpret_cast<std::remove_reference_t<decltype(array)>>(result);
    result += align(count * sizeof(*array));
  };
  each_array(options, vocab, place, place_result);
}

void StepSlot::fill_rows(const nf_step_shape& shape) {
  uint32_t row = 0;
  num_samples_ = 0;
  for (uint32_t s = 0; s < shape.num_sequences; ++s) {
    const nf_sequence& sequence = sequences.host[s];
    first_row.host[s] = row;
    for (uint32_t i = 0; i < sequence.row_count; ++i, ++row) {
      row_sequence.host[row] = s;
      row_position.host[row] = sequence.position + i;
    }
    for (uint32_t i = num_samples(sequence); i > 0; --i) sample_row.host[num_samples_++] = row - i;
  }
}

// Rows and samples behind those of the step, up to what it is launched for.
void StepSlot::fill_padding(uint32_t launch_rows) {
  const Batch& batch = step.host_batch;
  for (uint32_t row = batch.num_rows; row < launch_rows; ++row) {
    tokens.host[row] = 0;
    row_sequence.host[row] = kNoSequence;
    row_position.host[row] = 0;
  }
  for (uint32_t row = batch.num_samples; row < launch_rows; ++row) sample_row.host[row] = 0;
}

Batch StepSlot::batch_of(const nf_step_shape& shape, bool on_device) const {
  const auto at = [on_device](const auto& array) { return on_device ? array.device : array.host; };
  Batch batch;
  batch.num_rows = shape.num_rows;
  batch.num_decode_rows = shape.num_decode;
  batch.num_sequences = shape.num_sequences;
  batch.num_samples = num_samples_;
  batch.tokens = at(tokens);
  batch.row_sequence = at(row_sequence);
  batch.row_position = at(row_position);
  batch.sequences = at(sequences);
  batch.first_row = at(first_row);
  batch.pages = at(pages);
  batch.first_part = at(first_part);
  batch.first_tile = at(first_tile);
  batch.sample_row = at(sample_row);
  batch.sampling = at(sampling);
  batch.bias = at(bias);
  batch.masks = at(masks);
  batch.mask_words = mask_words;
  batch.out_tokens = out_tokens;
  batch.out_logprobs = out_logprobs;
  batch.out_top_tokens = out_top_tokens;
  batch.out_top_logprobs = out_top_logprobs;
  return batch;
}

void StepSlot::fill_batch(const nf_step_shape& shape, const Backend& backend) {
  fill_rows(shape);
  step.host_batch = batch_of(shape, false);
  step.batch = batch_of(shape, true);
  uint32_t rows = shape.num_rows;
  if (shape.num_rows == shape.num_decode) {
    rows = std::min({backend.launch_rows(rows), max_sequences_, max_step_rows_});
  }
  step.launch_rows = rows;
  fill_padding(rows);
  backend.cut_attention(step.host_batch, rows, first_part.host, first_tile.host);
  step.inputs = {tokens.first(rows),
                 row_sequence.first(rows),
                 row_position.first(rows),
                 sequences.first(shape.num_sequences),
                 first_row.first(shape.num_sequences),
                 pages.first(shape.num_pages),
                 sample_row.first(std::min<size_t>(std::max(rows, num_samples_), max_sequences_)),
                 first_part.first(std::min(rows, max_sequences_) + 1),
                 first_tile.first(shape.num_sequences + 1)};
}

void StepSlot::note_sampling_inputs() {
  size_t bias_end = 0;
  bool masked = false;
  for (uint32_t s = 0; s < num_samples_; ++s) {
    const nf_sampling& one = sampling.host[s];
    if (one.bias_count > 0) bias_end = std::max<size_t>(bias_end, one.bias_begin + one.bias_count);
    masked = masked || (one.flags & NF_SAMPLING_MASK) != 0;
  }
  step.sampling_inputs = {sampling.first(num_samples_), bias.first(bias_end),
                          masks.first(masked ? size_t{num_samples_} * mask_words : 0)};
}

}  // namespace nf
