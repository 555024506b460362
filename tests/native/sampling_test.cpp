// Sampling: the rules of core/sampling.h on cases worked out by hand, a backend against the
// reference on random ones, and the distribution of what is drawn.
#include "sampling_cases.h"

namespace test {
namespace {

const Sampler kTested = tested_sampler();
const Sampler kSamplers[] = {kReferenceSampler, kTested};

// Draws one, checks that both implementations say the same token, and returns it.
Drawn sample(Draw draw) {
  draw.position = std::max(draw.position, 1u);
  Drawn expected = sample_all(kReferenceSampler, {draw})[0];
  const Drawn actual = sample_all(kTested, {draw})[0];
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
    for (const Drawn& one : sample_all(kTested, draws)) {
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
  const uint32_t kDraws = 200000 / kTested.slowness;
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

TEST("the border between two tokens belongs to the second") {
  Draw draw(std::vector<float>(40, -kInfinity));
  draw.logits[3] = draw.logits[35] = 0.0f;
  draw.sampling.temperature = 1.0f;
  draw.position = 1;
  draw.sampling.seed = 178863257;  // the last point of the first half
  CHECK_EQ(sample(draw).token, 3);
  draw.sampling.seed = 414027678;  // the first of the second half
  CHECK_EQ(sample(draw).token, 35);
}

TEST("a backend and the reference sample the same tokens on small vocabularies") {
  Random random(seed());
  for (int i = 0; i < scale(4000, 100000) / int(kTested.slowness); ++i) {
    compare_samplers(kTested, random, pick(random, 1, 300), 5, "round " + show(i));
  }
}

TEST("a backend and the reference sample the same tokens on large vocabularies") {
  Random random(seed());
  for (int i = 0; i < scale(40, 1000) / int(kTested.slowness) + 1; ++i) {
    compare_samplers(kTested, random, pick(random, 20000, 50257), 2, "round " + show(i));
  }
}

TEST("a row alone and among others gives the same bits") {
  Random random(seed());
  for (int i = 0; i < scale(100, 2000) / int(kTested.slowness) + 1; ++i) {
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
    const auto lane = sampler.open_lane(3, sampler.workspace({.out = 3}));
    sampler.launch(args, lane->lane());
    lane->finish();
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
    const auto lane = sampler.open_lane(1, sampler.workspace({.out = 2}));
    sampler.launch(args, lane->lane());
    lane->finish();
    CHECK_EQ(step.out_tokens[0], 0);
    step.sequences[0].flags |= NF_SEQUENCE_COUNT;
    sampler.launch(args, lane->lane());
    lane->finish();
    CHECK_EQ(step.out_tokens[0], 1);
    batch.penalty_counts = nullptr;
    sampler.launch(args, lane->lane());
    lane->finish();
    CHECK_EQ(step.out_tokens[0], 0);
  }
}

}  // namespace
}  // namespace test
