#include "bench/bench_step.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace nf::bench {

BenchStep::BenchStep(uint32_t count, uint32_t position, uint32_t rows) {
  const uint32_t pages = (position + rows + kPageTokens - 1) / kPageTokens;
  for (uint32_t index = 0; index < count; ++index) {
    first_row_.push_back(index * rows);
    nf_sequence sequence{};
    sequence.slot = index;
    sequence.row_count = rows;
    sequence.position = position;
    sequence.page_begin = index * pages;
    sequence.page_count = pages;
    sequences_.push_back(sequence);
    for (uint32_t row = 0; row < rows; ++row) {
      row_sequence_.push_back(index);
      row_position_.push_back(position + row);
    }
  }
  pages_.resize(size_t{count} * pages);
  std::iota(pages_.begin(), pages_.end(), 0);
  std::mt19937 random(1);  // the same pages every time
  std::shuffle(pages_.begin(), pages_.end(), random);
  tokens_.assign(row_sequence_.size(), 0);
  last_tokens_.assign(count, 0);

  batch_.num_rows = count * rows;
  batch_.num_decode_rows = rows == 1 ? count : 0;
  batch_.num_sequences = count;
  batch_.tokens = tokens_.data();
  batch_.row_sequence = row_sequence_.data();
  batch_.row_position = row_position_.data();
  batch_.sequences = sequences_.data();
  batch_.first_row = first_row_.data();
  batch_.pages = pages_.data();
  batch_.last_tokens = last_tokens_.data();
}

void BenchStep::sample(const nf_sampling& sampling) {
  const size_t count = sequences_.size();
  for (const nf_sequence& sequence : sequences_) {
    sample_row_.push_back(first_row_[sequence.slot] + sequence.row_count - 1);
    sampling_.push_back(sampling);
    sampling_.back().seed = sequence.slot;
  }
  out_tokens_.resize(count);
  out_logprobs_.resize(count);
  out_top_tokens_.resize(count * NF_MAX_LOGPROBS);
  out_top_logprobs_.resize(count * NF_MAX_LOGPROBS);
  batch_.num_samples = static_cast<uint32_t>(count);
  batch_.sample_row = sample_row_.data();
  batch_.sampling = sampling_.data();
  batch_.out_tokens = out_tokens_.data();
  batch_.out_logprobs = out_logprobs_.data();
  batch_.out_top_tokens = out_top_tokens_.data();
  batch_.out_top_logprobs = out_top_logprobs_.data();
}

void BenchStep::set_tokens(uint32_t vocab, uint64_t turn) {
  std::minstd_rand random(static_cast<uint32_t>(turn + 1));
  for (int32_t& token : tokens_) token = static_cast<int32_t>(random() % vocab);
}

void BenchStep::pool(uint32_t flags, uint32_t hidden) {
  for (nf_sequence& sequence : sequences_) sequence.flags |= flags;
  pooled_.resize(sequences_.size() * hidden);
  pooled_rows_.resize(sequences_.size());
  batch_.pooled = pooled_.data();
  batch_.pooled_rows = pooled_rows_.data();
}

}  // namespace nf::bench
