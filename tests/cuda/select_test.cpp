// Borders that the sampler finds the long way: many equal logits, runs longer than its list, and
// every combination of top_k and top_p around them.
#include "sampling_cases.h"

namespace test {
namespace {

// Logits of few distinct values, or spread over a range so small that their keys are neighbours.
std::vector<float> crowded_logits(Random& random, uint32_t vocab) {
  const uint32_t kind = pick(random, 0, 3);
  std::vector<float> logits(vocab, -1.25f);
  for (float& logit : logits) {
    if (kind == 1) logit = float(pick(random, 0, 2));
    if (kind == 2) logit = std::nextafter(8.0f, 8.0f + float(pick(random, 0, 2)) - 1.0f);
    if (kind == 3) logit = 1e-3f * float(pick(random, 0, 1000));
  }
  return logits;
}

TEST("borders in crowds of tokens are those of a sort") {
  Random random(seed());
  std::vector<Draw> draws;
  constexpr uint32_t kVocab = 3001;  // more than are listed, and no multiple of 4
  for (int i = 0; i < scale(60, 1000); ++i) {
    Draw draw(crowded_logits(random, kVocab));
    draw.sampling.temperature = pick(random, 0, 1) == 0 ? 1.0f : 20.0f;
    if (pick(random, 0, 2) != 0) draw.sampling.top_k = pick(random, 1, kVocab + 10);
    if (pick(random, 0, 2) != 0) draw.sampling.top_p = float(pick(random, 1, 1024)) / 1024;
    if (pick(random, 0, 3) == 0) draw.sampling.min_p = 0.5f;
    draw.sampling.num_logprobs = pick(random, 0, NF_MAX_LOGPROBS);
    draw.sampling.seed = random();
    draw.position = pick(random, 1, 1000);
    draws.push_back(std::move(draw));
  }
  const std::vector<Drawn> expected = sample_all(kReferenceSampler, draws);
  const std::vector<Drawn> actual = sample_all(tested_sampler(), draws, 3);
  for (size_t i = 0; i < draws.size(); ++i) check_same(actual[i], expected[i], "draw " + show(i));
}

TEST("the largest vocabularies are drawn from to their last token") {
  Random random(seed());
  constexpr uint32_t kVocab = 262208;
  Draw draw(std::vector<float>(kVocab, 0.0f));
  draw.sampling.temperature = 1.0f;
  draw.position = 1;
  Draw last = draw;
  last.logits[kVocab - 1] = 40.0f;
  Draw nearly_all = draw;
  nearly_all.sampling.top_p = 0.999f;
  for (Draw* one : {&draw, &last, &nearly_all}) {
    one->sampling.seed = random();
    one->sampling.num_logprobs = 3;
  }
  const std::vector<Draw> draws{draw, last, nearly_all};
  const std::vector<Drawn> expected = sample_all(kReferenceSampler, draws);
  const std::vector<Drawn> actual = sample_all(tested_sampler(), draws, 3);
  for (size_t i = 0; i < draws.size(); ++i) check_same(actual[i], expected[i], "draw " + show(i));
  CHECK_EQ(actual[1].token, int32_t(kVocab - 1));
}

}  // namespace
}  // namespace test
