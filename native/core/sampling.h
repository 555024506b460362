// How a token is drawn from a row of logits: the rules, and the arithmetic all backends share.
//
// A result depends on the row, its nf_sampling, counts, biases, mask, and the position of the new
// token; never on the batch, the lane or the worker. Backends agree on it bit by bit.
//
//  1. Clean.     NaN counts as -inf, +inf as the largest float. A row without a finite logit gives
//                token -1 with log-probability -inf.
//  2. Report.    Log-probabilities come from the clean logits, before everything below. The best
//                are listed by (logit descending, id ascending); unused places hold (-1, -inf).
//     With NF_SAMPLING_SCORE nothing else happens: the result is the target with its own.
//  3. Penalties. For a token in the prompt or the output: logit > 0 ? logit / r : logit * r. For
//                one that is n > 0 times in the output: logit -= presence + frequency * n. Only
//                sequences with NF_SEQUENCE_COUNT have counts; for others they are zero.
//  4. Bias.      Added in the order given; a token may be named more than once.
//  5. Mask.      A token that is not allowed, and one whose logit came out as -inf, is banned. A
//                banned token is never drawn. If all are banned: token -1, log-probability -inf.
//  6. Greedy.    With temperature < kGreedyTemperature: the largest logit, the lowest id of equals.
//  7. Weights.   token_weight(): exp((logit - max) / temperature) in whole units of 2^-30, rounded
//                down. Integer sums are exact: no order of summation can change a draw.
//  8. top_k,     then top_p, then min_p. The rank of a token is (logit descending, id ascending).
//                top_k keeps the first k. top_p keeps the shortest run of them whose weight is at
//                least top_p of what top_k kept. min_p drops weights below min_p of the largest
//                token's. The largest token always stays.
//  9. Draw.      32 bits of Philox (key: seed, counter: position) pick a point in the kept weight;
//                the token is the one that covers it, with tokens laid out by ascending id.
//
// The token a step draws is counted when it is embedded, that is when its own row is computed.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "op.h"
#include "philox.h"

namespace nf {

constexpr float kGreedyTemperature = 1e-5f;
constexpr float kBanned = -std::numeric_limits<float>::infinity();
constexpr uint32_t kFullWeight = 1u << 30;  // of the largest token

// Rule 1. Also maps -0 to +0, so that equal logits have equal bits. Selects on bits: compilers turn
// these into vector code, and a choice between floats into branches.
NF_HOST_DEVICE inline float clean_logit(float logit) {
  constexpr int32_t kInfinity = 0x7f800000;
  constexpr int32_t kLargest = 0x7f7fffff;
  const auto bits = std::bit_cast<int32_t>(logit);
  const int32_t number = (bits & 0x7fffffff) > kInfinity ? std::bit_cast<int32_t>(kBanned) : bits;
  return std::bit_cast<float>(number == kInfinity ? kLargest : number) + 0.0f;
}

// Rule 3. count is a penalty count: see kInPrompt.
NF_HOST_DEVICE inline float penalize(float logit, uint16_t count, const nf_sampling& sampling) {
  if (count == 0) return logit;
  const float r = sampling.repetition_penalty;
  const float repeated = logit > 0.0f ? logit / r : logit * r;
  const auto in_output = float(count & ~uint32_t{kInPrompt});
  if (in_output == 0.0f) return repeated;
  return repeated - (sampling.presence_penalty + sampling.frequency_penalty * in_output);
}

NF_HOST_DEVICE inline bool has_penalties(const nf_sampling& sampling) {
  return sampling.repetition_penalty != 1.0f || sampling.presence_penalty != 0.0f ||
         sampling.frequency_penalty != 0.0f;
}

// Negative and NaN temperatures, which the caller should have refused, are greedy too.
NF_HOST_DEVICE inline bool is_greedy(const nf_sampling& sampling) {
  return !(sampling.temperature >= kGreedyTemperature);
}

// e^x for x <= 0 within 3e-7 relative; e^-87, next to nothing, for lower x and for NaN. Only adds
// and multiplies in a fixed order: it has the same bits on every machine, and compilers vectorise
// it. x = n * ln 2 + f with |f| <= ln 2 / 2; e^f is its Taylor polynomial (the next term is at most
// 1.2e-7).
NF_HOST_DEVICE inline float exp_nonpositive(float x) {
  constexpr float kRoundToInteger = 12582912.0f;  // 1.5 * 2^23: adding it drops the fraction
  constexpr float kLog2E = 1.44269504f;
  constexpr float kLn2High = 0.693145752f;  // few bits, so that n * kLn2High is exact
  constexpr float kLn2Low = 1.42860677e-6f;
  const int32_t magnitude = std::bit_cast<int32_t>(x) & 0x7fffffff;
  const float clamped = -std::bit_cast<float>(std::min(magnitude, std::bit_cast<int32_t>(87.0f)));
  const float n = (clamped * kLog2E + kRoundToInteger) - kRoundToInteger;
  const float f = (clamped - n * kLn2High) - n * kLn2Low;
  float p = 1.0f / 720;
  p = p * f + 1.0f / 120;
  p = p * f + 1.0f / 24;
  p = p * f + 1.0f / 6;
  p = p * f + 0.5f;
  p = p * f + 1.0f;
  p = p * f + 1.0f;
  const auto exponent = uint32_t(int32_t(n) + 127);
  return p * std::bit_cast<float>(exponent << 23);
}

// Rule 7. logit <= largest; inverse_temperature = 1 / temperature.
NF_HOST_DEVICE inline uint32_t token_weight(float logit, float largest, float inverse_temperature) {
  const float share = exp_nonpositive((logit - largest) * inverse_temperature);
  return uint32_t(int32_t(share * float(kFullWeight)));
}

// Rule 8. A key that is larger the better the token ranks. Clean logits only.
NF_HOST_DEVICE inline uint64_t rank_key(float logit, uint32_t token) {
  const auto bits = std::bit_cast<uint32_t>(logit);
  const uint32_t ordered = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return uint64_t{ordered} << 32 | uint32_t(~token);
}

NF_HOST_DEVICE inline uint32_t ranked_token(uint64_t key) { return uint32_t(~key); }

// Rule 8. The weight that the run kept by top_p must reach. total < 2^53, so the product is exact
// up to one rounding.
NF_HOST_DEVICE inline uint64_t top_p_weight(uint64_t total, float top_p) {
  const double needed = std::ceil(double(total) * double{top_p});
  return needed > 1.0 ? std::min(uint64_t(needed), total) : 1;
}

// Rule 8. The least weight that min_p keeps.
NF_HOST_DEVICE inline uint32_t min_p_weight(float min_p) {
  if (!(min_p > 0.0f)) return 0;
  return uint32_t(std::ceil(double{std::min(min_p, 1.0f)} * double{kFullWeight}));
}

// Rule 9. A point in [0, total): floor(random * total / 2^32), without a 128-bit product.
NF_HOST_DEVICE inline uint64_t draw_point(uint64_t seed, uint32_t position, uint64_t total) {
  const PhiloxKey key{uint32_t(seed), uint32_t(seed >> 32)};
  const uint64_t random = philox4x32_10({position, 0, 0, 0}, key)[0];
  return random * (total >> 32) + (random * (total & 0xffffffffu) >> 32);
}

// What sample `index` of a batch draws from.
struct SampleInput {
  const float* logits;  // [vocab]
  uint32_t vocab;
  const nf_sampling& sampling;
  const uint16_t* counts;  // [vocab] or null: no penalties
  const nf_bias* bias;     // [sampling.bias_count]
  const uint32_t* mask;    // [ceil(vocab / 32)] or null: all allowed
  uint32_t position;       // of the new token
};

NF_HOST_DEVICE inline SampleInput sample_input(const SampleArgs& args, uint32_t index) {
  const Batch& batch = *args.batch;
  const nf_sampling& sampling = batch.sampling[index];
  const nf_sequence& sequence = batch.sequences[batch.row_sequence[batch.sample_row[index]]];
  const bool counted = (sequence.flags & NF_SEQUENCE_COUNT) != 0 && has_penalties(sampling) &&
                       batch.penalty_counts != nullptr;
  const bool masked = (sampling.flags & NF_SAMPLING_MASK) != 0;
  return {
      .logits = args.logits + size_t{index} * args.vocab,
      .vocab = args.vocab,
      .sampling = sampling,
      .counts = counted ? batch.penalty_counts + size_t{sequence.slot} * args.vocab : nullptr,
      .bias = batch.bias + sampling.bias_begin,
      .mask = masked ? batch.masks + size_t{index} * batch.mask_words : nullptr,
      .position = batch.row_position[batch.sample_row[index]] + 1,
  };
}

NF_HOST_DEVICE inline bool is_scored(const nf_sampling& sampling) {
  return (sampling.flags & NF_SAMPLING_SCORE) != 0;
}

NF_HOST_DEVICE inline bool is_last_row(const Batch& batch, uint32_t row) {
  return row + 1 == batch.num_rows || batch.row_sequence[row + 1] != batch.row_sequence[row];
}

// Where the results of sample `index` go. Starts as "no token".
class SampleOutput {
 public:
  NF_HOST_DEVICE SampleOutput(const Batch& batch, uint32_t index)
      : batch_(batch),
        index_(index),
        leads_on_(!is_scored(batch.sampling[index]) &&
                  is_last_row(batch, batch.sample_row[index])) {
    for (uint32_t rank = 0; rank < NF_MAX_LOGPROBS; ++rank) set_alternative(rank, -1, kBanned);
    set_token(-1, kBanned);
  }

  NF_HOST_DEVICE void set_alternative(uint32_t rank, int32_t token, float logprob) {
    batch_.out_top_tokens[size_t{index_} * NF_MAX_LOGPROBS + rank] = token;
    batch_.out_top_logprobs[size_t{index_} * NF_MAX_LOGPROBS + rank] = logprob;
  }

  // What is drawn after the last row of a sequence becomes its slot's last token. A following step
  // may already embed it: without one, that is token 0.
  NF_HOST_DEVICE void set_token(int32_t token, float logprob) {
    batch_.out_tokens[index_] = token;
    batch_.out_logprobs[index_] = logprob;
    if (!leads_on_) return;
    const uint32_t sequence = batch_.row_sequence[batch_.sample_row[index_]];
    batch_.last_tokens[batch_.sequences[sequence].slot] = std::max(token, 0);
  }

 private:
  const Batch& batch_;
  uint32_t index_;
  bool leads_on_;
};

}  // namespace nf
