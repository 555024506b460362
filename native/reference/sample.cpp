// Sampling on the reference backend: the rules of sampling.h with a full sort, one step at a time.
#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

#include "core/sampling.h"
#include "kernels.h"

namespace nf::reference {
namespace {

// Scratch of one sample.
struct Scratch {
  Scratch(std::byte* bytes, uint32_t vocab)
      : ranks(reinterpret_cast<uint64_t*>(bytes), vocab),
        weights(reinterpret_cast<uint64_t*>(bytes) + vocab, vocab),
        logits(reinterpret_cast<float*>(weights.data() + vocab), vocab) {}

  std::span<uint64_t> ranks;    // rank_key of every token, best first
  std::span<uint64_t> weights;  // by token; 0 once it is dropped
  std::span<float> logits;      // by token
};

void sort_by_rank(Scratch& scratch) {
  for (uint32_t token = 0; token < scratch.logits.size(); ++token) {
    scratch.ranks[token] = rank_key(scratch.logits[token], token);
  }
  std::sort(scratch.ranks.begin(), scratch.ranks.end(), std::greater<>());
}

// log(sum(exp(logits - largest))).
double log_sum_exp(std::span<const float> logits, float largest) {
  double sum = 0;
  for (const float logit : logits) {
    sum += std::exp(double{logit} - double{largest});
  }
  return std::log(sum);
}

// Rules 3 to 5.
void adjust(const SampleInput& input, std::span<float> logits) {
  for (uint32_t token = 0; token < input.vocab && input.counts != nullptr; ++token) {
    logits[token] = penalize(logits[token], input.counts[token], input.sampling);
  }
  for (uint32_t i = 0; i < input.sampling.bias_count; ++i) {
    if (input.bias[i].token < input.vocab) logits[input.bias[i].token] += input.bias[i].bias;
  }
  for (uint32_t token = 0; token < input.vocab; ++token) {
    const bool allowed = input.mask == nullptr || (input.mask[token / 32] >> (token % 32) & 1) != 0;
    logits[token] = allowed ? clean_logit(logits[token]) : kBanned;
  }
}

uint64_t total_weight(const Scratch& scratch) {
  uint64_t total = 0;
  for (const uint64_t weight : scratch.weights) {
    total += weight;
  }
  return total;
}

// Drops the tokens that rank `count` or worse.
void keep_first(Scratch& scratch, size_t count) {
  for (size_t i = count; i < scratch.ranks.size(); ++i) {
    scratch.weights[ranked_token(scratch.ranks[i])] = 0;
  }
}

// The number of best tokens whose weight reaches `needed`.
size_t shortest_run(const Scratch& scratch, uint64_t needed) {
  size_t count = 0;
  for (uint64_t sum = 0; sum < needed; ++count) {
    sum += scratch.weights[ranked_token(scratch.ranks[count])];
  }
  return count;
}

// Rule 8.
void truncate(const nf_sampling& sampling, Scratch& scratch) {
  if (sampling.top_k != 0) keep_first(scratch, sampling.top_k);
  if (sampling.top_p < 1.0f) {
    keep_first(scratch, shortest_run(scratch, top_p_weight(total_weight(scratch), sampling.top_p)));
  }
  const uint32_t least = min_p_weight(sampling.min_p);
  for (uint64_t& weight : scratch.weights) {
    if (weight < least) weight = 0;
  }
}

// Rules 6 to 9, on adjusted logits of which at least one is not banned.
uint32_t choose(const SampleInput& input, Scratch& scratch) {
  sort_by_rank(scratch);
  const uint32_t best = ranked_token(scratch.ranks[0]);
  if (is_greedy(input.sampling)) return best;
  const float inverse_temperature = 1.0f / input.sampling.temperature;
  for (uint32_t token = 0; token < input.vocab; ++token) {
    scratch.weights[token] =
        token_weight(scratch.logits[token], scratch.logits[best], inverse_temperature);
  }
  truncate(input.sampling, scratch);
  const uint64_t point = draw_point(input.sampling.seed, input.position, total_weight(scratch));
  uint32_t token = 0;
  for (uint64_t covered = scratch.weights[0]; covered <= point;) {
    covered += scratch.weights[++token];
  }
  return token;
}

void sample_one(const SampleInput& input, Scratch& scratch, SampleOutput output) {
  std::transform(input.logits, input.logits + input.vocab, scratch.logits.begin(), clean_logit);
  sort_by_rank(scratch);
  const float largest = scratch.logits[ranked_token(scratch.ranks[0])];
  if (largest == kBanned) return;
  const double log_sum = log_sum_exp(scratch.logits, largest);
  const auto logprob = [&](uint32_t token) {
    return float(double{clean_logit(input.logits[token])} - double{largest} - log_sum);
  };
  const uint32_t listed =
      std::min({input.sampling.num_logprobs, input.vocab, uint32_t{NF_MAX_LOGPROBS}});
  for (uint32_t rank = 0; rank < listed; ++rank) {
    const uint32_t token = ranked_token(scratch.ranks[rank]);
    if (scratch.logits[token] == kBanned) break;
    output.set_alternative(rank, int32_t(token), logprob(token));
  }
  if (is_scored(input.sampling)) {
    output.set_token(int32_t(input.sampling.target), logprob(input.sampling.target));
    return;
  }
  adjust(input, scratch.logits);
  if (std::ranges::max(scratch.logits) == kBanned) return;
  const uint32_t token = choose(input, scratch);
  output.set_token(int32_t(token), logprob(token));
}

}  // namespace

size_t sample_workspace(const OpShape& shape) {
  return size_t{shape.out} * (2 * sizeof(uint64_t) + sizeof(float));
}

void sample(const OpArgs& op, Lane& lane) {
  const SampleArgs& args = op.sample;
  lane.for_each(args.rows.size(), [&](uint32_t task, uint32_t worker) {
    const uint32_t index = args.rows.begin + task;
    Scratch scratch(lane.scratch(worker), args.vocab);
    sample_one(sample_input(args, index), scratch, SampleOutput(*args.batch, index));
  });
}

}  // namespace nf::reference
