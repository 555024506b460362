// The rows of a step, made up: sequences with shuffled pages, and all that kernels find in a batch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/case.h"
#include "core/batch.h"

namespace nf::bench {

constexpr uint32_t kPageTokens = 64;

// Owns what its batch points to, so it stays where it is.
class BenchStep {
 public:
  // `count` sequences alike, each with `rows` rows after `position` tokens.
  BenchStep(uint32_t count, uint32_t position, uint32_t rows);
  BenchStep(const BenchStep&) = delete;
  BenchStep& operator=(const BenchStep&) = delete;

  // The last row of each sequence is a sample, drawn as `sampling` says.
  void sample(const nf_sampling& sampling);
  // Other tokens of [0, vocab) every turn.
  void set_tokens(uint32_t vocab, uint64_t turn);
  // Flags of every sequence. Pools `hidden` wide.
  void pool(uint32_t flags, uint32_t hidden);

  const Batch& batch() const { return batch_; }

 private:
  Batch batch_;
  std::vector<int32_t> tokens_;
  std::vector<uint32_t> row_sequence_;
  std::vector<uint32_t> row_position_;
  std::vector<nf_sequence> sequences_;
  std::vector<uint32_t> first_row_;
  std::vector<uint32_t> pages_;
  std::vector<uint32_t> sample_row_;
  std::vector<nf_sampling> sampling_;
  std::vector<int32_t> last_tokens_;
  std::vector<float> pooled_;
  std::vector<uint32_t> pooled_rows_;
  std::vector<int32_t> out_tokens_;
  std::vector<float> out_logprobs_;
  std::vector<int32_t> out_top_tokens_;
  std::vector<float> out_top_logprobs_;
};

}  // namespace nf::bench
