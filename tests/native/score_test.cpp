// Scores of prompts and pooled hidden states: the same bits as decoding gives, in any chunks and in
// any company.

#include <cmath>
#include <cstring>
#include <random>

#include "check.h"
#include "core/check.h"
#include "tiny_model.h"

namespace {

constexpr uint32_t kPools[] = {NF_SEQUENCE_POOL_FIRST, NF_SEQUENCE_POOL_LAST,
                               NF_SEQUENCE_POOL_MEAN};
constexpr uint32_t kHidden = 64;  // of the tiny model
constexpr uint32_t kLength = 90;
constexpr uint64_t kConversation = 23;

using Scores = std::vector<float>;

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::string refusal(auto action) {
  try {
    action();
  } catch (const nf::Error& error) {
    return error.what();
  }
  return "accepted";
}

bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

// The log-probability of every next token, scored row by row.
Scores decode_scores(const test::TinyOptions& options) {
  test::TinyModel model(options);
  test::Conversation& conversation = model.converse(kLength, kConversation);
  Scores scores;
  while (conversation.position + 1 < kLength) {
    model.step(model.sequential(), {{&conversation, 1, NF_SEQUENCE_SAMPLE_ALL}}, 1);
    scores.push_back(model.logprobs()[0]);
  }
  return scores;
}

// log(softmax(logits))[token], in double.
double logprob(const std::vector<float>& logits, int32_t token) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit});
  return double{logits[static_cast<size_t>(token)]} - std::log(sum);
}

// Rows that a chunk may have: within the samples of a step, that others leave.
uint32_t random_rows(std::mt19937_64& random, const test::Conversation& conversation) {
  const auto rows = 1 + static_cast<uint32_t>(random() % 20);
  return std::min(rows, kLength - conversation.position);
}

std::vector<float> pooled(test::TinyModel& model, const test::Conversation& conversation) {
  std::vector<float> state(kHidden);
  model.engine().copy_pooled(conversation.slot, state.data(), kHidden);
  return state;
}

std::vector<float> pooled_alone(const test::TinyOptions& options, uint32_t pool) {
  test::TinyModel model(options);
  test::Conversation& conversation = model.converse(kLength, kConversation);
  model.step(model.sequential(), {{&conversation, 60, pool}}, 0);
  model.step(model.sequential(), {{&conversation, 30, pool}}, 0);
  return pooled(model, conversation);
}

}  // namespace

TEST("a score is the log-probability that the logits give the target") {
  for (const uint32_t device : test::devices()) {
    const test::TinyOptions options{.device = device, .threads = 2, .layers = 2};
    const Scores scores = decode_scores(options);
    test::TinyModel model(options);
    test::Conversation& conversation = model.converse(kLength, kConversation);
    for (uint32_t i = 0; i + 1 < kLength; ++i) {
      const auto logits = model.step(model.sequential(), {{&conversation, 1}}, 1)[0];
      CHECK(std::abs(logprob(logits, conversation.tokens[i + 1]) - double{scores[i]}) < 2e-5);
    }
  }
}

TEST("scores of a prompt do not depend on its chunks and its company") {
  for (const uint32_t device : test::devices()) {
    const test::TinyOptions options{.device = device, .threads = 2, .layers = 2};
    const Scores expected = decode_scores(options);
    std::mt19937_64 random(test::seed());
    for (int round = 0; round < 6; ++round) {
      test::TinyModel model(options);
      test::Conversation& other = model.converse(160, random());
      test::Conversation& scored = model.converse(kLength, kConversation);
      Scores scores;
      while (scored.position < kLength) {
        const uint32_t rows = random_rows(random, scored);
        model.step(model.sequential(), {{&other, 1}, {&scored, rows, NF_SEQUENCE_SAMPLE_ALL}}, 1);
        for (uint32_t i = 0; i < rows; ++i) {
          const uint32_t next = scored.position - rows + i + 1;
          if (next == kLength) continue;
          CHECK_EQ(model.sampled()[1 + i], scored.tokens[next]);
          scores.push_back(model.logprobs()[1 + i]);
        }
      }
      CHECK(same(expected, scores));
    }
  }
}

TEST("pooled states do not depend on chunks, company and the slot's last owner") {
  for (const uint32_t device : test::devices()) {
    const test::TinyOptions options{.device = device, .threads = 2, .layers = 2};
    for (const uint32_t pool : kPools) {
      const std::vector<float> expected = pooled_alone(options, pool);
      std::mt19937_64 random(test::seed() + pool);
      test::TinyModel model(options);
      test::Conversation& other = model.converse(160, random());
      test::Conversation& watched = model.converse(kLength, kConversation);
      for (int round = 0; round < 4; ++round) {
        watched.position = 0;
        while (watched.position < kLength) {
          const uint32_t rows = random_rows(random, watched);
          const uint32_t flags = pool | (random() % 2 == 0 ? NF_SEQUENCE_SAMPLE : 0);
          model.step(model.sequential(), {{&other, 1}, {&watched, rows, flags}}, 1);
        }
        CHECK(same(expected, pooled(model, watched)));
      }
    }
  }
}

TEST("the mean of one row, its first and its last are the same state") {
  for (const uint32_t device : test::devices()) {
    test::TinyModel model({.device = device, .threads = 1, .layers = 2});
    std::vector<std::vector<float>> states;
    for (const uint32_t pool : kPools) {
      test::Conversation& conversation = model.converse(kLength, kConversation);
      model.step(model.sequential(), {{&conversation, 1, pool}}, 0);
      states.push_back(pooled(model, conversation));
    }
    CHECK(same(states[0], states[1]));
    CHECK(same(states[0], states[2]));
  }
}

TEST("a mean is the sum of the states of its rows") {
  for (const uint32_t device : test::devices()) {
    const test::TinyOptions options{.device = device, .threads = 1, .layers = 2};
    const std::vector<float> mean = pooled_alone(options, NF_SEQUENCE_POOL_MEAN);
    test::TinyModel model(options);
    test::Conversation& conversation = model.converse(kLength, kConversation);
    std::vector<double> sum(kHidden);
    while (conversation.position < kLength) {
      model.step(model.sequential(), {{&conversation, 1, NF_SEQUENCE_POOL_LAST}}, 1);
      const std::vector<float> state = pooled(model, conversation);
      for (uint32_t i = 0; i < kHidden; ++i) sum[i] += double{state[i]};
    }
    for (uint32_t i = 0; i < kHidden; ++i) {
      CHECK(std::abs(sum[i] / kLength - double{mean[i]}) < 1e-5);
    }
  }
}

TEST("steps with more samples, pools or targets than allowed are refused") {
  test::TinyModel model({.threads = 1, .layers = 1});
  test::Conversation& conversation = model.converse(kLength, kConversation);
  const auto step = [&](uint32_t rows, uint32_t flags) {
    return refusal([&] { model.step(model.sequential(), {{&conversation, rows, flags}}, 0); });
  };
  CHECK(says(step(test::TinyModel::kMaxSequences + 1, NF_SEQUENCE_SAMPLE_ALL), "more samples"));
  CHECK(says(step(2, NF_SEQUENCE_POOL_LAST | NF_SEQUENCE_POOL_MEAN), "more than one pooling"));
  conversation.tokens[2] = test::TinyModel::kVocab;
  CHECK(says(step(2, NF_SEQUENCE_SAMPLE_ALL), "target is outside the vocabulary (sample 1)"));
}

TEST("a pooled state is refused where there is none") {
  test::TinyModel model({.threads = 1, .layers = 1});
  std::vector<float> state(kHidden);
  const auto read = [&](uint32_t slot, uint32_t capacity) {
    return refusal([&] { model.engine().copy_pooled(slot, state.data(), capacity); });
  };
  CHECK(says(read(test::TinyModel::kMaxSequences, kHidden), "out of range"));
  CHECK(says(read(0, kHidden - 1), "out of range"));
  CHECK(says(read(0, kHidden), "no step has named"));
}
