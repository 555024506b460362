// What tests of sampling draw from, and how one sampler is held against another.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "check.h"
#include "core/sampling.h"
#include "reference/kernels.h"
#include "shapes.h"
#include "subjects.h"

namespace test {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

constexpr Sampler kReferenceSampler = {"reference", nf::reference::sample,
                                       nf::reference::sample_workspace};

// One decode sequence that samples at `position`, and what it draws from.
struct Draw {
  explicit Draw(std::vector<float> logits_in)
      : logits(std::move(logits_in)), counts(logits.size(), uint16_t{0}), mask(words(), ~0u) {}

  size_t words() const { return (logits.size() + 31) / 32; }
  void allow_only(const std::vector<uint32_t>& tokens) {
    sampling.flags = NF_SAMPLING_MASK;
    std::fill(mask.begin(), mask.end(), 0u);
    for (const uint32_t token : tokens) {
      mask[token / 32] |= 1u << (token % 32);
    }
  }

  std::vector<float> logits;
  nf_sampling sampling = Step::kGreedy;
  std::vector<uint16_t> counts;
  std::vector<nf_bias> bias;
  std::vector<uint32_t> mask;
  uint32_t position = 0;  // of the new token
};

struct Drawn {
  int32_t token;
  float logprob;
  std::vector<int32_t> top_tokens;
  std::vector<float> top_logprobs;
  int32_t last_token;
};

// Draws all in one step, on one lane of `units`. The draws have one vocabulary.
inline std::vector<Drawn> sample_all(const Sampler& sampler, const std::vector<Draw>& draws,
                                     uint32_t units = 1) {
  const auto vocab = uint32_t(draws[0].logits.size());
  std::vector<SequenceSpec> specs;
  specs.reserve(draws.size());
  for (const Draw& draw : draws) {
    specs.push_back({draw.position - 1, 1, 0, NF_SEQUENCE_SAMPLE | NF_SEQUENCE_COUNT});
  }
  Random random(1);
  constexpr uint32_t kOnePage = 1 << 20;  // sampling does not look at pages
  Step step(specs, {.page_tokens = kOnePage, .vocab = vocab, .num_decode = uint32_t(specs.size())},
            random);
  std::vector<float> logits;
  for (size_t i = 0; i < draws.size(); ++i) {
    logits.insert(logits.end(), draws[i].logits.begin(), draws[i].logits.end());
    step.sampling[i] = draws[i].sampling;
    step.sampling[i].bias_begin = uint32_t(step.bias.size());
    step.sampling[i].bias_count = uint32_t(draws[i].bias.size());
    step.bias.insert(step.bias.end(), draws[i].bias.begin(), draws[i].bias.end());
    std::copy(draws[i].mask.begin(), draws[i].mask.end(),
              step.masks.begin() + std::ptrdiff_t(i * step.mask_words));
    std::copy(draws[i].counts.begin(), draws[i].counts.end(),
              step.penalty_counts.begin() + std::ptrdiff_t{step.sequences[i].slot} * vocab);
  }
  const nf::Batch batch = step.batch();
  nf::OpArgs args;
  args.sample = {{0, uint32_t(draws.size())}, &batch, logits.data(), vocab};
  const auto lane = sampler.open_lane(units, sampler.workspace({.out = vocab}));
  sampler.launch(args, lane->lane());
  lane->finish();
  CHECK(lane->scratch_intact());
  std::vector<Drawn> results;
  for (size_t i = 0; i < draws.size(); ++i) {
    const auto top = std::ptrdiff_t(i * NF_MAX_LOGPROBS);
    results.push_back(
        {step.out_tokens[i],
         step.out_logprobs[i],
         {step.out_top_tokens.begin() + top, step.out_top_tokens.begin() + top + NF_MAX_LOGPROBS},
         {step.out_top_logprobs.begin() + top,
          step.out_top_logprobs.begin() + top + NF_MAX_LOGPROBS},
         step.last_tokens[step.sequences[i].slot]});
  }
  return results;
}

inline float random_logit(Random& random, float scale_of_logits) {
  const uint32_t kind = pick(random, 0, 199);
  if (kind == 0) return kNaN;
  if (kind == 1) return kInfinity * (pick(random, 0, 9) == 0 ? 1.0f : -1.0f);
  const float value = std::normal_distribution<float>(0.0f, scale_of_logits)(random);
  return kind < 100 ? std::round(value * 2) / 2 : value;  // many ties
}

// Half of the settings are off, so that all combinations occur.
inline nf_sampling random_sampling(Random& random) {
  constexpr float kTemperatures[] = {0.0f, 0.1f, 0.7f, 1.0f, 2.0f, 100.0f};
  const auto on = [&] { return pick(random, 0, 1) == 0; };
  const auto fraction = [&] { return float(pick(random, 1, 1024)) / 1024; };  // exact: hits ties
  nf_sampling sampling = Step::kGreedy;
  sampling.temperature = kTemperatures[pick(random, 0, 5)];
  if (on()) sampling.top_k = pick(random, 1, on() ? 5 : 400);
  if (on()) sampling.top_p = fraction();
  if (on()) sampling.min_p = fraction() * (on() ? 0.1f : 1.0f);
  if (on()) sampling.repetition_penalty = 0.5f + 1.5f * fraction();
  if (on()) sampling.presence_penalty = 4 * fraction() - 2;
  if (on()) sampling.frequency_penalty = 4 * fraction() - 2;
  sampling.num_logprobs = pick(random, 0, NF_MAX_LOGPROBS);
  sampling.seed = random();
  return sampling;
}

inline Draw random_draw(Random& random, uint32_t vocab) {
  constexpr float kScales[] = {0.1f, 1.0f, 4.0f, 30.0f};
  const float scale_of_logits = kScales[pick(random, 0, 3)];
  Draw draw(std::vector<float>(vocab, 0.0f));
  for (float& logit : draw.logits) {
    logit = random_logit(random, scale_of_logits);
  }
  draw.sampling = random_sampling(random);
  for (uint16_t& count : draw.counts) {
    if (pick(random, 0, 3) == 0) count = uint16_t(pick(random, 0, 3) | (random() & nf::kInPrompt));
  }
  for (uint32_t i = pick(random, 0, 5); i > 1; --i) {
    const float bias = float(pick(random, 0, 200)) - 100;
    draw.bias.push_back({pick(random, 0, vocab), bias / float(pick(random, 1, 100))});
  }
  if (pick(random, 0, 2) == 0) {
    draw.sampling.flags = NF_SAMPLING_MASK;
    const bool sparse = pick(random, 0, 1) == 0;
    for (uint32_t& word : draw.mask) {
      word = uint32_t(sparse ? random() & random() & random() : random() | random());
    }
  }
  draw.position = pick(random, 1, 100000);
  return draw;
}

inline bool near(float a, float b) {
  return a == b || std::abs(a - b) <= 1e-5f + 1e-6f * std::abs(b);
}

inline void check_same(const Drawn& actual, const Drawn& expected, const std::string& name) {
  if (actual.token != expected.token) {
    FAIL(name + ": token " + show(actual.token) + ", not " + show(expected.token));
  }
  if (!near(actual.logprob, expected.logprob)) FAIL(name + ": logprob");
  if (actual.top_tokens != expected.top_tokens) FAIL(name + ": top tokens");
  if (actual.last_token != expected.last_token) FAIL(name + ": last token");
  for (size_t rank = 0; rank < NF_MAX_LOGPROBS; ++rank) {
    if (!near(actual.top_logprobs[rank], expected.top_logprobs[rank])) FAIL(name + ": logprobs");
  }
}

// Random draws by a sampler and by the reference.
inline void compare_samplers(const Sampler& sampler, Random& random, uint32_t vocab, uint32_t count,
                             const std::string& name) {
  std::vector<Draw> draws;
  for (uint32_t i = 0; i < count; ++i) {
    draws.push_back(random_draw(random, vocab));
  }
  const std::vector<Drawn> expected = sample_all(kReferenceSampler, draws);
  const std::vector<Drawn> actual = sample_all(sampler, draws, 2);
  for (size_t i = 0; i < draws.size(); ++i) {
    check_same(actual[i], expected[i], name + " draw " + show(i));
  }
}

}  // namespace test
