// Sampling on the CPU: the rules of sampling.h without sorting the vocabulary.
//
// A sample is a task. It reads its logits [V] once and then works on a clean copy in scratch, in
// passes that compilers vectorise:
//   top_k   scans in chunks and skips those whose largest logit cannot enter the best k. The k
//           survivors then are the whole vocabulary for what follows.
//   top_p   adds up weights in levels of equal logit width; only the level in which the sum crosses
//           the border is looked at token by token, by halving it around its median.
//   draw    skips chunks that lie before the drawn point.
// The passes themselves are compiled for every instruction set: sample_passes.h.
#include "cpu/kernels/sample.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/sampling.h"
#include "cpu/kernels/kernels.h"

namespace nf::cpu {
namespace {

constexpr uint32_t kChunk = 64;  // tokens that are skipped together

// The tokens a draw may choose from, in ascending order of id, and scratch as large as all.
struct Candidates {
  Candidates(std::byte* scratch, uint32_t vocab)
      : keys(reinterpret_cast<uint64_t*>(scratch)),
        logits(reinterpret_cast<float*>(keys + vocab)),
        weights(reinterpret_cast<uint32_t*>(logits + vocab)),
        tokens(weights + vocab),
        count(vocab) {}

  uint64_t* keys;     // scratch for selections
  float* logits;      // clean
  uint32_t* weights;  // 0: not kept
  uint32_t* tokens;   // ids; unused while every token is a candidate
  uint32_t count;
  bool all = true;

  uint32_t token(uint32_t index) const { return all ? index : tokens[index]; }
};

// What turns a clean logit into a log-probability.
struct LogSoftmax {
  double largest;  // of the logits
  double log_sum;  // log(sum(exp(logits - largest)))

  float of(float logit) const { return float(double{logit} - largest - log_sum); }
};

// Leaves the best `wanted` tokens that are not banned in keys[0 .. returned), in no order.
uint32_t select_best(const SamplePasses& passes, const float* logits, uint32_t count,
                     uint32_t wanted, uint64_t* keys) {
  const uint64_t limit = uint64_t{wanted} * 2 + kChunk;  // when to drop what cannot stay
  uint32_t size = 0;
  float entry = kBanned;  // an equal logit is too low: it has a higher id than all in keys
  const auto drop_surplus = [&] {
    std::nth_element(keys, keys + wanted - 1, keys + size, std::greater<>());
    size = wanted;
    entry = logits[ranked_token(keys[wanted - 1])];
  };
  for (uint32_t begin = 0; begin < count; begin += kChunk) {
    const uint32_t end = std::min(begin + kChunk, count);
    if (!(passes.largest(logits + begin, end - begin) > entry)) continue;
    for (uint32_t i = begin; i < end; ++i) {
      if (logits[i] > entry) keys[size++] = rank_key(logits[i], i);
    }
    if (size >= limit) drop_surplus();
  }
  if (size > wanted) drop_surplus();
  return size;
}

// Rule 3. Most tokens have no count: chunks without any are skipped.
void apply_penalties(const SampleInput& input, float* logits) {
  for (uint32_t begin = 0; begin < input.vocab; begin += kChunk) {
    const uint32_t end = std::min(begin + kChunk, input.vocab);
    uint32_t any = 0;
    for (uint32_t i = begin; i < end; ++i) {
      any |= input.counts[i];
    }
    if (any == 0) continue;
    for (uint32_t i = begin; i < end; ++i) {
      logits[i] = penalize(logits[i], input.counts[i], input.sampling);
    }
  }
}

void apply_mask(const SampleInput& input, float* logits) {
  constexpr uint32_t kWordBits = 32;
  for (uint32_t begin = 0; begin < input.vocab; begin += kWordBits) {
    const uint32_t word = input.mask[begin / kWordBits];
    if (word == ~0u) continue;
    const uint32_t size = std::min(kWordBits, input.vocab - begin);
    for (uint32_t bit = 0; bit < size; ++bit) {
      logits[begin + bit] = (word >> bit & 1) != 0 ? logits[begin + bit] : kBanned;
    }
  }
}

// Rules 3 to 5. Returns the largest adjusted logit, given the largest before.
float adjust(const SamplePasses& passes, const SampleInput& input, float* logits, float largest) {
  const nf_sampling& sampling = input.sampling;
  if (input.counts == nullptr && sampling.bias_count == 0 && input.mask == nullptr) return largest;
  if (input.counts != nullptr) apply_penalties(input, logits);
  for (uint32_t i = 0; i < sampling.bias_count; ++i) {
    if (input.bias[i].token < input.vocab) logits[input.bias[i].token] += input.bias[i].bias;
  }
  if (input.mask != nullptr) apply_mask(input, logits);
  return passes.clean(logits, logits, input.vocab);
}

// Rule 8, top_k: only the best k stay candidates.
void keep_top_k(const SamplePasses& passes, Candidates& candidates, uint32_t k) {
  if (k == 0 || k >= candidates.count) return;
  const uint32_t size =
      select_best(passes, candidates.logits, candidates.count, k, candidates.keys);
  const uint64_t border = *std::min_element(candidates.keys, candidates.keys + size);
  const float entry = candidates.logits[ranked_token(border)];
  uint32_t kept = 0;
  for (uint32_t begin = 0; begin < candidates.count; begin += kChunk) {
    const uint32_t end = std::min(begin + kChunk, candidates.count);
    if (passes.largest(candidates.logits + begin, end - begin) < entry) continue;
    for (uint32_t i = begin; i < end; ++i) {
      if (rank_key(candidates.logits[i], i) < border) continue;
      candidates.logits[kept] = candidates.logits[i];
      candidates.tokens[kept++] = i;
    }
  }
  candidates.count = kept;
  candidates.all = false;
}

// The last of the best keys whose weight together reaches `needed`.
uint64_t border_of_weight(uint64_t* first, uint64_t* last, const uint32_t* weights,
                          uint64_t needed) {
  while (last - first > 1) {
    uint64_t* middle = first + (last - first) / 2;
    std::nth_element(first, middle, last, std::greater<>());
    uint64_t better = 0;
    for (const uint64_t* key = first; key < middle; ++key) {
      better += weights[ranked_token(*key)];
    }
    if (better >= needed) {
      last = middle;
    } else {
      needed -= better;
      first = middle;
    }
  }
  return *first;
}

// Levels of logits: equal steps down from the largest, fine enough that the border level is small.
class Levels {
 public:
  Levels(float largest, float inverse_temperature)
      : largest_(largest), inverse_temperature_(inverse_temperature) {}

  // Weights are zero from 30 * ln 2 = 20.8 below the largest on: 978 levels are reached.
  static constexpr uint32_t kCount = 1024;
  static constexpr float kPerUnit = 47.0f;

  // Of a token whose weight is not zero. Never decreases as the logit falls.
  uint32_t of(float logit) const {
    return uint32_t((largest_ - logit) * inverse_temperature_ * kPerUnit);
  }

 private:
  float largest_;
  float inverse_temperature_;
};

// Rule 8, top_p: the rank_key of the last candidate kept. needed: see top_p_weight.
uint64_t top_p_border(const Candidates& candidates, const Levels& levels, uint64_t needed) {
  uint64_t level_weight[Levels::kCount] = {};
  for (uint32_t i = 0; i < candidates.count; ++i) {
    const uint32_t weight = candidates.weights[i];
    if (weight != 0) level_weight[levels.of(candidates.logits[i])] += weight;
  }
  uint32_t border_level = 0;
  while (level_weight[border_level] < needed) {
    needed -= level_weight[border_level++];
  }
  uint64_t* end = candidates.keys;
  for (uint32_t i = 0; i < candidates.count; ++i) {
    const float logit = candidates.logits[i];
    if (candidates.weights[i] != 0 && levels.of(logit) == border_level) *end++ = rank_key(logit, i);
  }
  return border_of_weight(candidates.keys, end, candidates.weights, needed);
}

// Zeroes the weights of candidates that rank behind `border`: of equal logits, the higher ids.
void drop_behind(Candidates& candidates, uint64_t border) {
  const uint32_t last = ranked_token(border);
  const float entry = candidates.logits[last];
  uint32_t* weights = candidates.weights;
  for (uint32_t i = 0; i < last; ++i) {
    weights[i] = candidates.logits[i] >= entry ? weights[i] : 0;
  }
  for (uint32_t i = last + 1; i < candidates.count; ++i) {
    weights[i] = candidates.logits[i] > entry ? weights[i] : 0;
  }
}

// Rule 7, and what rule 8 says after top_k.
void weigh(const SamplePasses& passes, const nf_sampling& sampling, float largest,
           Candidates& candidates) {
  const float inverse_temperature = 1.0f / sampling.temperature;
  uint32_t* weights = candidates.weights;
  passes.weigh(candidates.logits, candidates.count, largest, inverse_temperature, weights);
  if (sampling.top_p < 1.0f) {
    const uint64_t needed = top_p_weight(passes.sum(weights, candidates.count), sampling.top_p);
    drop_behind(candidates, top_p_border(candidates, Levels(largest, inverse_temperature), needed));
  }
  const uint32_t least = min_p_weight(sampling.min_p);
  for (uint32_t i = 0; least != 0 && i < candidates.count; ++i) {
    weights[i] = weights[i] >= least ? weights[i] : 0;
  }
}

// Rule 9: the candidate that covers `point` of the kept weight.
uint32_t covering(const SamplePasses& passes, const Candidates& candidates, uint64_t point) {
  uint32_t begin = 0;
  for (; begin + kChunk < candidates.count; begin += kChunk) {
    const uint64_t chunk = passes.sum(candidates.weights + begin, kChunk);
    if (chunk > point) break;
    point -= chunk;
  }
  while (candidates.weights[begin] <= point) {
    point -= candidates.weights[begin++];
  }
  return begin;
}

// Rules 6 to 9.
uint32_t choose(const SamplePasses& passes, const SampleInput& input, float largest,
                Candidates& candidates) {
  if (is_greedy(input.sampling)) {
    return passes.find(candidates.logits, candidates.count, largest);
  }
  keep_top_k(passes, candidates, input.sampling.top_k);
  weigh(passes, input.sampling, largest, candidates);
  const uint64_t total = passes.sum(candidates.weights, candidates.count);
  const uint64_t point = draw_point(input.sampling.seed, input.position, total);
  return candidates.token(covering(passes, candidates, point));
}

// Rule 2: the best tokens, before the logits are adjusted.
void list_best(const SamplePasses& passes, uint32_t wanted, const Candidates& candidates,
               const LogSoftmax& logprobs, SampleOutput& output) {
  wanted = std::min(wanted, uint32_t{NF_MAX_LOGPROBS});
  if (wanted == 0) return;
  const uint32_t size =
      select_best(passes, candidates.logits, candidates.count, wanted, candidates.keys);
  std::sort(candidates.keys, candidates.keys + size, std::greater<>());
  for (uint32_t rank = 0; rank < size; ++rank) {
    const uint32_t token = ranked_token(candidates.keys[rank]);
    output.set_alternative(rank, int32_t(token), logprobs.of(candidates.logits[token]));
  }
}

void sample_one(const SamplePasses& passes, const SampleInput& input, Candidates candidates,
                SampleOutput output) {
  float largest = passes.clean(input.logits, candidates.logits, input.vocab);
  if (largest == kBanned) return;
  const double sum = passes.sum_exp(candidates.logits, input.vocab, largest);
  const LogSoftmax logprobs{double{largest}, std::log(sum)};
  list_best(passes, input.sampling.num_logprobs, candidates, logprobs, output);
  if (is_scored(input.sampling)) {
    const uint32_t target = input.sampling.target;
    output.set_token(int32_t(target), logprobs.of(candidates.logits[target]));
    return;
  }
  largest = adjust(passes, input, candidates.logits, largest);
  if (largest == kBanned) return;
  const uint32_t token = choose(passes, input, largest, candidates);
  output.set_token(int32_t(token), logprobs.of(clean_logit(input.logits[token])));
}

}  // namespace

void sample(const SamplePasses& passes, const OpArgs& op, Lane& lane) {
  const SampleArgs& args = op.sample;
  lane.for_each(args.rows.size(), [&](uint32_t task, uint32_t worker) {
    const uint32_t index = args.rows.begin + task;
    sample_one(passes, sample_input(args, index), Candidates(lane.scratch(worker), args.vocab),
               SampleOutput(*args.batch, index));
  });
}

size_t sample_workspace(uint32_t vocab) {
  return size_t{vocab} * (sizeof(uint64_t) + sizeof(float) + 2 * sizeof(uint32_t));
}

}  // namespace nf::cpu
