// Sampling: the rules of core/sampling.h on cases worked out by hand, the two backends against each
// other on random ones, and the distribution of what is drawn.
#include "core/sampling.h"

#include <cmath>
#include <limits>

#include "check.h"
#include "cpu/kernels/kernels.h"
#include "reference/kernels.h"
#include "shapes.h"

namespace test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// One of the two implementations.
struct Sampler {
  const char* name;
  void (*launch)(const nf::OpArgs& args, nf::Lane& lane);
  size_t (*workspace)(const nf::OpShape& shape);
};

constexpr Sampler kReference = {"reference", nf::reference::sample,
                                nf::reference::sample_workspace};
constexpr Sampler kCpu = {"cpu", nf::cpu::sample, nf::cpu::sample_workspace};
constexpr Sampler kSamplers[] = {kReference, kCpu};

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

// Draws all in one step, on one lane of `units` workers. The draws have one vocabulary.
std::vector<Drawn> sample_all(const Sampler& sampler, const std::vector<Draw>& draws,
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
  SerialLane lane(units, sampler.workspace({.out = vocab}));
  sampler.launch(args, lane);
  CHECK(lane.scratch_intact());
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

// Draws one, checks that both implementations say the same token, and returns it.
Drawn sample(Draw draw) {
  draw.position = std::max(draw.position, 1u);
  Drawn expected = sample_all(kReference, {draw})[0];
  const Drawn actual = sample_all(kCpu, {draw})[0];
  CHECK_EQ(actual.token, expected.token);
  return expected;
}

// Which tokens `count` positions draw, as counts by token.
std::vector<uint32_t> histogram(const Draw& draw, uint32_t count) {
  std::vector<uint32_t> drawn(draw.logits.size());
  constexpr uint32_t kBatch = 100;
  for (uint32_t begin = 0; begin < count; begin += kBatch) {
    std::vector<Draw> draws(kBatch, draw);
    for (uint32_t i = 0; i < kBatch; ++i) {
      draws[i].position = 1 + begin + i;
    }
    for (const Drawn& one : sample_all(kCpu, draws)) {
      ++drawn.at(size_t(one.token));
    }
  }
  return drawn;
}

// The tokens that 500 draws at temperature 1 meet.
std::vector<uint32_t> support(Draw draw) {
  draw.sampling.temperature = 1.0f;
  const std::vector<uint32_t> drawn = histogram(draw, 500);
  std::vector<uint32_t> tokens;
  for (uint32_t token = 0; token < drawn.size(); ++token) {
    if (drawn[token] != 0) tokens.push_back(token);
  }
  return tokens;
}

using Tokens = std::vector<uint32_t>;

TEST("philox gives the published vectors") {
  const nf::PhiloxCounter zero = nf::philox4x32_10({0, 0, 0, 0}, {0, 0});
  CHECK((zero == nf::PhiloxCounter{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  const nf::PhiloxCounter ones = nf::philox4x32_10({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u});
  CHECK((ones == nf::PhiloxCounter{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  const nf::PhiloxCounter pi = nf::philox4x32_10(
      {0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u});
  CHECK((pi == nf::PhiloxCounter{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

TEST("exp_nonpositive is within 3e-7 of exp") {
  for (int i = 0; i <= 870000; ++i) {
    const float x = -1e-4f * float(i);
    const double exact = std::exp(double{x});
    if (std::abs(double{nf::exp_nonpositive(x)} - exact) > 3e-7 * exact) FAIL(show(x));
  }
  CHECK_EQ(nf::exp_nonpositive(0.0f), 1.0f);
  CHECK(nf::exp_nonpositive(-kInfinity) < 1e-37f);
}

TEST("greedy takes the largest logit, and the lowest id of equals") {
  CHECK_EQ(sample(Draw({1, 3, 2})).token, 1);
  CHECK_EQ(sample(Draw({1, 3, 2, 3, 3})).token, 1);
  CHECK_EQ(sample(Draw({-1, -0.0f, 0.0f})).token, 1);
  CHECK_EQ(sample(Draw(std::vector<float>(300, 0.5f))).token, 0);
}

TEST("log-probabilities come from the unmodified logits") {
  Draw draw({std::log(1.0f), std::log(5.0f), std::log(2.0f)});
  draw.bias = {{0, 50.0f}};
  draw.sampling.num_logprobs = 2;
  for (const Sampler& sampler : kSamplers) {
    draw.position = 1;
    const Drawn drawn = sample_all(sampler, {draw})[0];
    CHECK_EQ(drawn.token, 0);
    CHECK(std::abs(drawn.logprob - std::log(0.125f)) < 1e-6f);
    CHECK_EQ(drawn.top_tokens[0], 1);
    CHECK(std::abs(drawn.top_logprobs[0] - std::log(0.625f)) < 1e-6f);
    CHECK_EQ(drawn.top_tokens[1], 2);
    CHECK_EQ(drawn.top_tokens[2], -1);
    CHECK_EQ(drawn.top_logprobs[2], -kInfinity);
  }
}

TEST("repetition_penalty divides positive and multiplies negative logits of seen tokens") {
  Draw positive({3.0f, 2.0f});
  positive.sampling.repetition_penalty = 2.0f;
  CHECK_EQ(sample(positive).token, 0);
  positive.counts[0] = nf::kInPrompt;
  CHECK_EQ(sample(positive).token, 1);
  Draw negative({-1.0f, -1.5f});
  negative.sampling.repetition_penalty = 2.0f;
  negative.counts[0] = 1;
  CHECK_EQ(sample(negative).token, 1);
}

TEST("presence and frequency penalties count the output, not the prompt") {
  Draw draw({3.0f, 2.0f});
  draw.sampling.presence_penalty = 0.5f;
  draw.sampling.frequency_penalty = 0.3f;
  draw.counts[0] = nf::kInPrompt;
  CHECK_EQ(sample(draw).token, 0);
  draw.counts[0] = nf::kInPrompt | 1;  // 3 - 0.5 - 0.3
  CHECK_EQ(sample(draw).token, 0);
  draw.counts[0] = 2;  // 3 - 0.5 - 0.6
  CHECK_EQ(sample(draw).token, 1);
}

TEST("biases add up, and one outside the vocabulary is ignored") {
  Draw draw({1.0f, 0.0f});
  draw.bias = {{1, 0.6f}, {1, 0.6f}, {7, 100.0f}};
  CHECK_EQ(sample(draw).token, 1);
}

TEST("a masked token is never drawn, whatever its bias") {
  Draw draw({9.0f, 0.0f, 1.0f});
  draw.bias = {{0, 100.0f}};
  draw.allow_only({1, 2});
  CHECK_EQ(sample(draw).token, 2);
  CHECK((support(draw) == Tokens{1, 2}));
}

TEST("without a finite or allowed logit there is no token, and the slot goes on with token 0") {
  Draw banned({1.0f, 2.0f});
  banned.allow_only({});
  for (const Draw& draw : {Draw({kNaN, -kInfinity, kNaN}), banned}) {
    const Drawn drawn = sample(draw);
    CHECK_EQ(drawn.token, -1);
    CHECK_EQ(drawn.logprob, -kInfinity);
    CHECK_EQ(drawn.last_token, 0);
  }
}

TEST("NaN counts as -inf and +inf as the largest float") {
  CHECK_EQ(sample(Draw({kNaN, 1.0f, kNaN})).token, 1);
  const Drawn drawn = sample(Draw({1.0f, kInfinity, std::numeric_limits<float>::max()}));
  CHECK_EQ(drawn.token, 1);
  CHECK(std::abs(drawn.logprob - std::log(0.5f)) < 1e-6f);
}

TEST("top_k keeps k tokens, of equal logits those with the lower ids") {
  Draw draw({1.0f, 2.0f, 1.0f, 1.0f, 1.0f});
  draw.sampling.top_k = 3;
  CHECK((support(draw) == Tokens{0, 1, 2}));
}

TEST("top_p keeps the shortest run that reaches p, of equal logits the lower ids") {
  Draw draw({std::log(0.2f), std::log(0.4f), std::log(0.2f), std::log(0.2f)});
  draw.sampling.top_p = 0.55f;
  CHECK((support(draw) == Tokens{0, 1}));
  draw.sampling.top_p = 0.65f;
  CHECK((support(draw) == Tokens{0, 1, 2}));
  draw.sampling.top_p = 1e-9f;
  CHECK((support(draw) == Tokens{1}));
  Draw even({0.0f, 0.0f, 0.0f, 0.0f});
  even.sampling.top_p = 0.5f;  // two reach it exactly
  CHECK((support(even) == Tokens{0, 1}));
}

TEST("top_p counts what top_k kept, and min_p is relative to the largest") {
  Draw draw({std::log(0.4f), std::log(0.3f), std::log(0.2f), std::log(0.1f)});
  draw.sampling.top_k = 2;
  draw.sampling.top_p = 0.55f;  // 0.4 / 0.7 = 0.571
  CHECK((support(draw) == Tokens{0}));
  draw.sampling.top_k = 0;
  draw.sampling.top_p = 1.0f;
  draw.sampling.min_p = 0.45f;  // 0.2 / 0.4 = 0.5 stays, 0.1 / 0.4 goes
  CHECK((support(draw) == Tokens{0, 1, 2}));
  draw.sampling.min_p = 1.0f;
  CHECK((support(draw) == Tokens{0}));
}

TEST("draws follow softmax(logits / temperature)") {
  Random random(seed());
  Draw draw(normal(random, 12));
  draw.sampling.temperature = 0.7f;
  draw.sampling.seed = 42;
  constexpr uint32_t kDraws = 200000;
  const std::vector<uint32_t> drawn = histogram(draw, kDraws);
  double sum = 0;
  for (const float logit : draw.logits) {
    sum += std::exp(logit / 0.7);
  }
  double chi_square = 0;
  for (size_t token = 0; token < drawn.size(); ++token) {
    const double expected = kDraws * std::exp(draw.logits[token] / 0.7) / sum;
    chi_square += (drawn[token] - expected) * (drawn[token] - expected) / expected;
  }
  CHECK(chi_square < 31.3);  // 11 degrees of freedom: 1 in 1000 good generators would fail
  CHECK(chi_square > 1.8);   // 1 in 1000 would be this even
}

TEST("a draw depends on seed and position only") {
  Draw draw(std::vector<float>(256, 0.0f));
  draw.sampling.temperature = 1.0f;
  draw.position = 7;
  const int32_t token = sample(draw).token;
  CHECK_EQ(sample(draw).token, token);
  int same = 0;
  for (uint32_t other = 1; other <= 64; ++other) {
    Draw moved = draw;
    moved.position = 7 + other;
    Draw reseeded = draw;
    reseeded.sampling.seed = uint64_t{other} << 32;
    same += sample(moved).token == token;
    same += sample(reseeded).token == token;
  }
  CHECK(same < 10);
}

float random_logit(Random& random, float scale_of_logits) {
  const uint32_t kind = pick(random, 0, 199);
  if (kind == 0) return kNaN;
  if (kind == 1) return kInfinity * (pick(random, 0, 9) == 0 ? 1.0f : -1.0f);
  const float value = std::normal_distribution<float>(0.0f, scale_of_logits)(random);
  return kind < 100 ? std::round(value * 2) / 2 : value;  // many ties
}

// Half of the settings are off, so that all combinations occur.
nf_sampling random_sampling(Random& random) {
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

Draw random_draw(Random& random, uint32_t vocab) {
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

bool near(float a, float b) { return a == b || std::abs(a - b) <= 1e-5f + 1e-6f * std::abs(b); }

void check_same(const Drawn& actual, const Drawn& expected, const std::string& name) {
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

void compare_backends(Random& random, uint32_t vocab, uint32_t count, const std::string& name) {
  std::vector<Draw> draws;
  for (uint32_t i = 0; i < count; ++i) {
    draws.push_back(random_draw(random, vocab));
  }
  const std::vector<Drawn> expected = sample_all(kReference, draws);
  const std::vector<Drawn> actual = sample_all(kCpu, draws, 2);
  for (size_t i = 0; i < draws.size(); ++i) {
    check_same(actual[i], expected[i], name + " draw " + show(i));
  }
}

TEST("cpu and reference sample the same tokens on small vocabularies") {
  Random random(seed());
  for (int i = 0; i < scale(4000, 100000); ++i) {
    compare_backends(random, pick(random, 1, 300), 5, "round " + show(i));
  }
}

TEST("cpu and reference sample the same tokens on large vocabularies") {
  Random random(seed());
  for (int i = 0; i < scale(40, 1000); ++i) {
    compare_backends(random, pick(random, 20000, 50257), 2, "round " + show(i));
  }
}

TEST("a row alone and among others gives the same bits") {
  Random random(seed());
  for (int i = 0; i < scale(100, 2000); ++i) {
    std::vector<Draw> draws;
    draws.reserve(4);
    for (int j = 0; j < 4; ++j) {
      draws.push_back(random_draw(random, 200));
    }
    for (const Sampler& sampler : kSamplers) {
      const std::vector<Drawn> together = sample_all(sampler, draws, 3);
      for (size_t j = 0; j < draws.size(); ++j) {
        const Drawn alone = sample_all(sampler, {draws[j]})[0];
        CHECK_EQ(together[j].token, alone.token);
        CHECK_EQ(together[j].logprob, alone.logprob);
        CHECK(together[j].top_tokens == alone.top_tokens);
        CHECK(together[j].top_logprobs == alone.top_logprobs);
      }
    }
  }
}

TEST("a score is the target's log-probability, whatever the sampling says") {
  Draw draw({std::log(1.0f), std::log(5.0f), std::log(2.0f), -kInfinity});
  draw.bias = {{0, 50.0f}};
  draw.allow_only({1});
  draw.sampling.flags |= NF_SAMPLING_SCORE;
  draw.sampling.temperature = 1.0f;
  draw.sampling.target = 2;
  draw.sampling.num_logprobs = 1;
  draw.position = 1;
  for (const Sampler& sampler : kSamplers) {
    const Drawn scored = sample_all(sampler, {draw})[0];
    CHECK_EQ(scored.token, 2);
    CHECK(std::abs(scored.logprob - std::log(0.25f)) < 1e-6f);
    CHECK_EQ(scored.top_tokens[0], 1);
    Draw impossible = draw;
    impossible.sampling.target = 3;
    CHECK_EQ(sample_all(sampler, {impossible})[0].logprob, -kInfinity);
    Draw broken = draw;
    broken.logits.assign(4, kNaN);
    CHECK_EQ(sample_all(sampler, {broken})[0].token, -1);
  }
}

TEST("a score leaves the last token of its slot alone, and so does all but the last row") {
  for (const Sampler& sampler : kSamplers) {
    Random random(seed());
    Step step({{4, 2, 6, NF_SEQUENCE_SAMPLE_ALL}, {4, 2, 6, NF_SEQUENCE_SAMPLE_ALL}}, {.vocab = 3},
              random);
    step.sampling[3].flags = NF_SAMPLING_SCORE;
    step.last_tokens = {7, 7};
    const nf::Batch batch = step.batch();
    const float logits[] = {0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1};
    nf::OpArgs args;
    args.sample = {{0, 4}, &batch, logits, 3};
    SerialLane lane(3, sampler.workspace({.out = 3}));
    sampler.launch(args, lane);
    CHECK((step.out_tokens == std::vector<int32_t>{1, 2, 1, 0}));
    CHECK_EQ(step.last_tokens[step.sequences[0].slot], 2);
    CHECK_EQ(step.last_tokens[step.sequences[1].slot], 7);
  }
}

TEST("a sequence that is not counted has no penalties") {
  for (const Sampler& sampler : kSamplers) {
    Random random(seed());
    Step step({{3, 1, 0, NF_SEQUENCE_SAMPLE}}, {.vocab = 2, .num_decode = 1}, random);
    step.penalty_counts = {5, 0};
    step.sampling[0].presence_penalty = 2.0f;
    nf::Batch batch = step.batch();
    const float logits[] = {1.0f, 0.0f};
    nf::OpArgs args;
    args.sample = {{0, 1}, &batch, logits, 2};
    SerialLane lane(1, sampler.workspace({.out = 2}));
    sampler.launch(args, lane);
    CHECK_EQ(step.out_tokens[0], 0);
    step.sequences[0].flags |= NF_SEQUENCE_COUNT;
    sampler.launch(args, lane);
    CHECK_EQ(step.out_tokens[0], 1);
    batch.penalty_counts = nullptr;
    sampler.launch(args, lane);
    CHECK_EQ(step.out_tokens[0], 0);
  }
}

}  // namespace
}  // namespace test
