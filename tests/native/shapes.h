// What kernel tests run on: lanes without threads, and random steps.
#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "core/backend.h"
#include "cuda/attention_work.h"

namespace test {

using Random = std::mt19937_64;

// In [low, high].
inline uint32_t pick(Random& random, uint32_t low, uint32_t high) {
  return std::uniform_int_distribution<uint32_t>(low, high)(random);
}

inline std::vector<float> normal(Random& random, size_t count, float deviation = 1.0f) {
  std::normal_distribution<float> distribution(0.0f, deviation);
  std::vector<float> values(count);
  for (float& value : values) {
    value = distribution(random);
  }
  return values;
}

// Zeroed memory at a multiple of 64 bytes, as backends allocate it.
class AlignedBytes {
 public:
  explicit AlignedBytes(size_t size) : size_(size), lines_((size + 63) / 64 + 1) {}
  std::byte* data() { return lines_.data()->bytes; }
  const std::byte* data() const { return lines_.data()->bytes; }
  size_t size() const { return size_; }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  size_t size_;
  std::vector<Line> lines_;
};

// Runs tasks on the calling thread, in the order and on the workers a real lane might choose: first
// to last on one worker, or last to first on `units` of them. Scratch starts as NaNs.
class SerialLane final : public nf::Lane {
 public:
  SerialLane(uint32_t units, size_t scratch_bytes) : units_(units) {
    for (uint32_t worker = 0; worker < units; ++worker) {
      scratch_.emplace_back(scratch_bytes + kGuard);
      std::memset(scratch_.back().data(), 0xff, scratch_bytes + kGuard);
    }
  }

  uint32_t units() const override { return units_; }
  void limit(uint32_t units) override { units_ = std::min(units_, units); }
  std::byte* scratch(uint32_t worker) override { return scratch_.at(worker).data(); }
  void parallel_for(uint32_t count, TaskFn task, void* context) override {
    for (uint32_t i = 0; i < count; ++i) {
      task(context, units_ == 1 ? i : count - 1 - i, i % units_);
    }
  }

  // Has no kernel written behind the scratch it asked for?
  bool scratch_intact() const {
    return std::all_of(scratch_.begin(), scratch_.end(), [](const AlignedBytes& scratch) {
      const std::byte* end = scratch.data() + scratch.size();
      return std::all_of(end - kGuard, end, [](std::byte b) { return b == std::byte{0xff}; });
    });
  }

 private:
  static constexpr size_t kGuard = 256;
  uint32_t units_;
  std::vector<AlignedBytes> scratch_;
};

struct SequenceSpec {
  uint32_t position;  // of its first row
  uint32_t row_count;
  uint32_t prompt_tokens;
  uint32_t flags;
};

struct StepOptions {
  uint32_t page_tokens = 16;
  uint32_t vocab = 64;
  uint32_t num_decode = 0;  // the first sequences that are decode sequences
};

// A step of the given sequences with random tokens, slots and pages. Owns what `batch` points to.
class Step {
 public:
  Step(const std::vector<SequenceSpec>& specs, const StepOptions& options, Random& random) {
    for (const SequenceSpec& spec : specs) {
      add(spec, options, random);
    }
    shuffle_pages_and_slots(random);
    last_tokens.resize(specs.size());
    for (int32_t& token : last_tokens) {
      token = int32_t(pick(random, 0, options.vocab - 1));
    }
    penalty_counts.assign(specs.size() * options.vocab, uint16_t(pick(random, 0, 3)));
    sampling.resize(sample_row.size(), kGreedy);
    mask_words = (options.vocab + 31) / 32;
    masks.assign(sample_row.size() * mask_words, ~0u);
    out_tokens.assign(sample_row.size(), -7);
    out_logprobs.assign(sample_row.size(), 7.0f);
    out_top_tokens.assign(sample_row.size() * NF_MAX_LOGPROBS, -7);
    out_top_logprobs.assign(sample_row.size() * NF_MAX_LOGPROBS, 7.0f);
    pooled_rows.assign(specs.size(), 0);
    num_decode_ = options.num_decode;
  }

  static constexpr nf_sampling kGreedy = {.temperature = 0,
                                          .top_p = 1,
                                          .min_p = 0,
                                          .repetition_penalty = 1,
                                          .presence_penalty = 0,
                                          .frequency_penalty = 0,
                                          .top_k = 0,
                                          .num_logprobs = 0,
                                          .seed = 0,
                                          .bias_begin = 0,
                                          .bias_count = 0,
                                          .flags = 0,
                                          .target = 0};

  // Adds rows that belong to no sequence, behind decode rows only. Whoever looks at what such a row
  // names is out of bounds.
  void pad(uint32_t rows) {
    padding += rows;
    num_decode_ += rows;
    row_sequence.resize(row_sequence.size() + rows, nf::kNoSequence);
    row_position.resize(row_position.size() + rows, 0);
  }

  // Without padding.
  uint32_t num_rows() const { return uint32_t(tokens.size()); }
  uint32_t all_rows() const { return num_rows() + padding; }
  uint32_t num_samples() const { return uint32_t(sample_row.size()); }
  uint32_t num_pages() const { return uint32_t(pages.size()); }

  nf::Batch batch() {
    cut_attention();
    nf::Batch view;
    view.num_rows = all_rows();
    view.num_decode_rows = num_decode_;
    view.num_sequences = uint32_t(sequences.size());
    view.num_samples = num_samples();
    view.tokens = tokens.data();
    view.row_sequence = row_sequence.data();
    view.row_position = row_position.data();
    view.sequences = sequences.data();
    view.first_row = first_row.data();
    view.pages = pages.data();
    view.first_part = first_part.data();
    view.first_tile = first_tile.data();
    view.sample_row = sample_row.data();
    view.sampling = sampling.data();
    view.bias = bias.data();
    view.masks = masks.data();
    view.mask_words = mask_words;
    view.last_tokens = last_tokens.data();
    view.penalty_counts = penalty_counts.data();
    view.pooled = pooled.data();
    view.pooled_rows = pooled_rows.data();
    view.out_tokens = out_tokens.data();
    view.out_logprobs = out_logprobs.data();
    view.out_top_tokens = out_top_tokens.data();
    view.out_top_logprobs = out_top_logprobs.data();
    return view;
  }

  // The same sequences and pages with every row from position 0 on: fills the pages.
  Step from_start() const {
    Step all = *this;
    all.row_sequence.clear();
    all.row_position.clear();
    for (uint32_t i = 0; i < sequences.size(); ++i) {
      const uint32_t length = sequences[i].position + sequences[i].row_count;
      all.sequences[i].position = 0;
      all.sequences[i].row_count = length;
      for (uint32_t position = 0; position < length; ++position) {
        all.row_sequence.push_back(i);
        all.row_position.push_back(position);
      }
    }
    all.tokens.assign(all.row_sequence.size(), 0);
    all.num_decode_ = 0;
    all.padding = 0;
    return all;
  }

  std::vector<int32_t> tokens;
  std::vector<uint32_t> row_sequence;
  std::vector<uint32_t> row_position;
  uint32_t padding = 0;
  std::vector<nf_sequence> sequences;
  std::vector<uint32_t> first_row;
  std::vector<uint32_t> pages;
  std::vector<uint32_t> first_part;  // as the last batch() left them
  std::vector<uint32_t> first_tile;
  std::vector<uint32_t> sample_row;
  std::vector<nf_sampling> sampling;
  std::vector<nf_bias> bias;
  std::vector<uint32_t> masks;
  uint32_t mask_words = 0;
  std::vector<int32_t> last_tokens;
  std::vector<uint16_t> penalty_counts;
  std::vector<float> pooled;  // [sequences, H] for tests of pooling
  std::vector<uint32_t> pooled_rows;
  std::vector<int32_t> out_tokens;
  std::vector<float> out_logprobs;
  std::vector<int32_t> out_top_tokens;
  std::vector<float> out_top_logprobs;

 private:
  void add(const SequenceSpec& spec, const StepOptions& options, Random& random) {
    nf_sequence sequence{};
    sequence.row_count = spec.row_count;
    sequence.position = spec.position;
    sequence.page_begin = num_pages();
    sequence.page_count =
        (spec.position + spec.row_count + options.page_tokens - 1) / options.page_tokens;
    sequence.prompt_tokens = spec.prompt_tokens;
    sequence.flags = spec.flags;
    pages.resize(pages.size() + sequence.page_count);
    first_row.push_back(num_rows());
    for (uint32_t i = 0; i < spec.row_count; ++i) {
      const bool patched = spec.row_count == 1 && pick(random, 0, 1) == 0;
      tokens.push_back(patched ? -1 : int32_t(pick(random, 0, options.vocab - 1)));
      row_sequence.push_back(uint32_t(sequences.size()));
      row_position.push_back(spec.position + i);
    }
    const bool all = (spec.flags & NF_SEQUENCE_SAMPLE_ALL) != 0;
    const bool last = (spec.flags & NF_SEQUENCE_SAMPLE) != 0;
    for (uint32_t i = all ? spec.row_count : uint32_t{last}; i > 0; --i) {
      sample_row.push_back(num_rows() - i);
    }
    sequences.push_back(sequence);
  }

  // Every other decode row is split.
  void cut_attention() {
    first_part.assign(1, 0);
    for (uint32_t row = 0; row < num_decode_; ++row) {
      const bool is_padding = row_sequence[row] == nf::kNoSequence;
      const uint32_t chunks = is_padding ? 0 : nf::cuda::num_chunks(row_position[row] + 1);
      first_part.push_back(first_part.back() + (row % 2 == 0 ? chunks : std::min(chunks, 1u)));
    }
    first_tile.assign(1, 0);
    for (size_t i = 0; i < sequences.size(); ++i) {
      const uint32_t rows = first_row[i] < num_decode_ ? 0 : sequences[i].row_count;
      first_tile.push_back(first_tile.back() + nf::cuda::num_tiles(rows));
    }
  }

  void shuffle_pages_and_slots(Random& random) {
    std::iota(pages.begin(), pages.end(), 0);
    std::shuffle(pages.begin(), pages.end(), random);
    std::vector<uint32_t> slots(sequences.size());
    std::iota(slots.begin(), slots.end(), 0);
    std::shuffle(slots.begin(), slots.end(), random);
    for (size_t i = 0; i < slots.size(); ++i) {
      sequences[i].slot = slots[i];
    }
  }

  uint32_t num_decode_ = 0;
};

// Decode sequences, then prefill chunks, with all lengths of history and all mixes of flags.
inline std::vector<SequenceSpec> random_sequences(Random& random, uint32_t num_decode,
                                                  uint32_t num_prefill) {
  std::vector<SequenceSpec> specs;
  for (uint32_t i = 0; i < num_decode + num_prefill; ++i) {
    const uint32_t rows = i < num_decode ? 1 : pick(random, 1, 40);
    const uint32_t history = pick(random, 0, 3) == 0 ? 0 : pick(random, 1, 150);
    specs.push_back({history, rows, pick(random, 0, history + rows), pick(random, 0, 15)});
  }
  return specs;
}

}  // namespace test
