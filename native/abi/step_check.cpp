#include "abi/step_check.h"

#include <algorithm>
#include <bit>
#include <string>

#include "core/check.h"
#include "core/pooling.h"

namespace nf {

namespace {

void require(bool ok, const char* what) {
  NF_CHECK(ok, NF_INVALID_ARGUMENT, std::string("submit: ") + what);
}

void require(bool ok, const char* what, const char* where, uint32_t index) {
  NF_CHECK(ok, NF_INVALID_ARGUMENT,
           std::string("submit: ") + what + " (" + where + " " + std::to_string(index) + ")");
}

}  // namespace

StepCheck::StepCheck(const nf_engine_options& options, const Graph& graph, bool has_long_rope)
    : options_(options),
      vocab_(graph.dims.vocab),
      has_pages_(graph.dims.num_layers > 0),
      has_long_rope_(has_long_rope),
      has_hidden_states_(graph.dims.hidden > 0),
      slot_seen_(options.max_sequences, 0),
      written_(has_pages_ ? options.num_pages : 0, false) {}

void StepCheck::check_step(const nf_step_buffers& step, const nf_step_shape& shape) {
  check_shape(step, shape);
  uint64_t rows = 0;
  uint64_t samples = 0;
  for (uint32_t s = 0; s < shape.num_sequences; ++s) {
    check_sequence(step.sequences[s], s, shape);
    rows += step.sequences[s].row_count;
    samples += num_samples(step.sequences[s]);
  }
  require(rows == shape.num_rows, "num_rows is not the sum of row_count");
  require(samples <= options_.max_sequences, "the step has more samples than max_sequences");
  for (uint32_t r = 0; r < shape.num_rows; ++r) {
    require(step.tokens[r] >= -1 && step.tokens[r] < static_cast<int32_t>(vocab_),
            "a token is outside the vocabulary", "row", r);
  }
  check_slots(step, shape);
  if (has_pages_) check_pages(step, shape);
}

void StepCheck::check_shape(const nf_step_buffers& step, const nf_step_shape& shape) const {
  require(shape.num_sequences >= 1 && shape.num_sequences <= options_.max_sequences,
          "num_sequences is out of range");
  require(shape.num_decode <= shape.num_sequences, "num_decode exceeds num_sequences");
  require(shape.num_rows <= options_.max_step_rows, "num_rows exceeds max_step_rows");
  require(shape.num_pages <= step.pages_capacity, "num_pages exceeds pages_capacity");
}

void StepCheck::check_sequence(const nf_sequence& sequence, uint32_t index,
                               const nf_step_shape& shape) const {
  const auto check = [index](bool ok, const char* what) { require(ok, what, "sequence", index); };
  check(sequence.slot < options_.max_sequences, "slot is out of range");
  check(sequence.row_count >= 1, "row_count is 0");
  check(index >= shape.num_decode || sequence.row_count == 1, "a decode has one row");
  check(has_long_rope_ || (sequence.flags & NF_SEQUENCE_LONG_ROPE) == 0,
        "the model or its max_positions have no long rope");
  const uint64_t end = uint64_t{sequence.position} + sequence.row_count;
  check(end <= options_.max_positions, "position exceeds max_positions");
  check(uint64_t{sequence.page_begin} + sequence.page_count <= shape.num_pages,
        "its page table exceeds num_pages");
  check(!has_pages_ || uint64_t{sequence.page_count} * options_.page_tokens >= end,
        "page_count does not cover its tokens");
  const uint32_t pools = sequence.flags & kPoolFlags;
  check(std::popcount(pools) <= 1, "it has more than one pooling flag");
  check(pools == 0 || has_hidden_states_, "the model has no hidden states to pool");
}

// A slot's last token and penalty counts have one owner a step.
void StepCheck::check_slots(const nf_step_buffers& step, const nf_step_shape& shape) {
  ++num_checks_;
  for (uint32_t s = 0; s < shape.num_sequences; ++s) {
    uint64_t& seen = slot_seen_[step.sequences[s].slot];
    require(seen != num_checks_, "another sequence of the step has its slot", "sequence", s);
    seen = num_checks_;
  }
}

void StepCheck::check_pages(const nf_step_buffers& step, const nf_step_shape& shape) {
  for (uint32_t p = 0; p < shape.num_pages; ++p) {
    require(step.pages[p] < options_.num_pages, "a page index is out of range", "pages entry", p);
  }
  const uint32_t shared = find_shared_page(step, shape);
  require(shared == shape.num_sequences, "it names a page in which this step writes for another",
          "sequence", shared);
}

// The first sequence that writes or reads a page in which another one writes in this step, or
// num_sequences. Whole pages before its first row are only read, and may be shared.
uint32_t StepCheck::find_shared_page(const nf_step_buffers& step, const nf_step_shape& shape) {
  uint32_t shared = shape.num_sequences;
  const auto each_written = [&](const nf_sequence& sequence, auto visit) {
    const uint32_t first = sequence.position / options_.page_tokens;
    const uint32_t last = (sequence.position + sequence.row_count - 1) / options_.page_tokens;
    for (uint32_t p = first; p <= last; ++p) visit(step.pages[sequence.page_begin + p]);
  };
  for (uint32_t s = 0; s < shape.num_sequences; ++s) {
    each_written(step.sequences[s], [&](uint32_t page) {
      if (written_[page]) shared = std::min(shared, s);
      written_[page] = true;
    });
  }
  for (uint32_t s = 0; s < shared; ++s) {
    const nf_sequence& sequence = step.sequences[s];
    const uint32_t* pages = step.pages + sequence.page_begin;
    for (uint32_t p = 0; p < sequence.position / options_.page_tokens; ++p) {
      if (written_[pages[p]]) shared = std::min(shared, s);
    }
  }
  for (uint32_t s = 0; s < shape.num_sequences; ++s) {
    each_written(step.sequences[s], [&](uint32_t page) { written_[page] = false; });
  }
  return shared;
}

void StepCheck::check_sampling(const nf_step_buffers& step, uint32_t num_samples) const {
  const uint64_t capacity = uint64_t{options_.max_sequences} * NF_MAX_BIAS;
  for (uint32_t s = 0; s < num_samples; ++s) {
    const auto check = [s](bool ok, const char* what) {
      NF_CHECK(ok, NF_INVALID_ARGUMENT,
               std::string("release: ") + what + " (sample " + std::to_string(s) + ")");
    };
    const nf_sampling& sampling = step.sampling[s];
    check(sampling.num_logprobs <= NF_MAX_LOGPROBS, "num_logprobs exceeds NF_MAX_LOGPROBS");
    check(uint64_t{sampling.bias_begin} + sampling.bias_count <= capacity,
          "its bias range is out of bounds");
    check((sampling.flags & NF_SAMPLING_SCORE) == 0 || sampling.target < vocab_,
          "its target is outside the vocabulary");
    for (uint32_t b = 0; b < sampling.bias_count; ++b) {
      check(step.bias[sampling.bias_begin + b].token < vocab_,
            "a biased token is outside the vocabulary");
    }
  }
}

}  // namespace nf
