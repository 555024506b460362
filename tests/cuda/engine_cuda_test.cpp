// The engine on a CUDA device against the reference backend, and what only this backend has:
// captured steps, lanes that run ahead, and clocks of streams.
#include <cmath>
#include <random>

#include "check.h"
#include "cuda/backend.h"
#include "tiny_model.h"

namespace {

using Logits = std::vector<float>;

// Of the difference to what is expected, relative to that, over all logits.
double error_of(const std::vector<Logits>& actual, const std::vector<Logits>& expected) {
  double difference = 0;
  double norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    for (size_t j = 0; j < expected[i].size(); ++j) {
      difference += std::pow(double{actual[i][j]} - double{expected[i][j]}, 2);
      norm += std::pow(double{expected[i][j]}, 2);
    }
  }
  return std::sqrt(difference / norm);
}

// Two prompts, in chunks, and then decode steps of both with a third prompt in between.
std::vector<Logits> talk(test::TinyModel& model) {
  test::Conversation& first = model.converse(70, 1);
  test::Conversation& second = model.converse(40, 2);
  test::Conversation& third = model.converse(30, 3);
  nf::Program& program = model.sequential();
  std::vector<Logits> all;
  const auto take = [&](const std::vector<test::Part>& parts, uint32_t decodes) {
    for (Logits& logits : model.step(program, parts, decodes)) all.push_back(std::move(logits));
  };
  take({{&first, 40}, {&second, 9}}, 0);
  take({{&second, 1}, {&first, 20}}, 1);
  for (int i = 0; i < 5; ++i) take({{&first, 1}, {&second, 1}}, 2);
  take({{&first, 1}, {&second, 1}, {&third, 29}}, 2);
  for (int i = 0; i < 3; ++i) take({{&first, 1}, {&second, 1}}, 2);
  return all;
}

uint64_t replays_of(test::TinyModel& model) {
  return static_cast<nf::cuda::CudaBackend&>(model.engine().backend()).runner().replays();
}

// Sees launches and leaves them alone: a step that is watched is not captured.
class Watcher final : public nf::ExecutionObserver {
 public:
  void before_launch(const nf::LaunchPoint&) override { ++launches; }
  void after_launch(const nf::LaunchPoint&) override {}
  uint64_t launches = 0;
};

}  // namespace

TEST("logits on CUDA are close to the reference for every architecture") {
  const test::TinyOptions shapes[] = {
      {.layers = 3},
      {.layers = 2, .bias = true, .tied = true},
      {.layers = 2, .kv_heads = 1, .head_dim = 24, .page_tokens = 32},
      {.layers = 2, .architecture = "Qwen2ForCausalLM"},
      {.layers = 2, .architecture = "Qwen3ForCausalLM"},
      {.layers = 2, .architecture = "Phi3ForCausalLM", .windows = {20, 20}},
      {.layers = 4,
       .tied = true,
       .architecture = "Gemma2ForCausalLM",
       .windows = {20, 0, 20, 0},
       .attention_softcap = 2,
       .logit_softcap = 5,
       .embedding_scale = 8},
      {.layers = 2, .architecture = "MixtralForCausalLM", .experts = 5, .experts_per_token = 2}};
  for (test::TinyOptions shape : shapes) {
    shape.device = NF_DEVICE_REFERENCE;
    test::TinyModel reference(shape);
    const std::vector<Logits> expected = talk(reference);
    shape.device = NF_DEVICE_CUDA;
    for (const uint32_t dtype : {NF_DTYPE_BF16, NF_DTYPE_F16}) {
      shape.operand_dtype = dtype;
      test::TinyModel model(shape);
      const double error = error_of(talk(model), expected);
      CHECK(error > 0);  // operands are rounded
      CHECK(error < (dtype == NF_DTYPE_BF16 ? 0.03 : 0.004));
    }
  }
}

TEST("a captured decode step gives the bits of a launched one") {
  const test::TinyOptions options{.layers = 3};
  test::TinyModel captured(options);
  const std::vector<Logits> replayed = talk(captured);
  CHECK(replays_of(captured) >= 4);
  test::TinyModel watched(options);
  Watcher watcher;
  watched.engine().observe(&watcher);
  const std::vector<Logits> launched = talk(watched);
  CHECK_EQ(replays_of(watched), uint64_t{0});
  CHECK(watcher.launches > 100);
  CHECK(replayed == launched);
}

TEST("a decode step of any size is padded and answers as alone") {
  const test::TinyOptions options{.layers = 2};
  test::TinyModel together(options);
  std::vector<test::Conversation*> conversations;
  for (uint32_t i = 0; i < 21; ++i) conversations.push_back(&together.converse(12 + i, i));
  for (test::Conversation* one : conversations) together.step(together.sequential(), {{one, 8}}, 0);
  for (const uint32_t count : {21u, 11u, 21u, 11u, 21u, 11u, 3u, 3u, 3u}) {
    std::vector<test::Part> parts;
    for (uint32_t i = 0; i < count; ++i) {
      conversations[i]->position = 8;
      parts.push_back({conversations[i], 1});
    }
    const auto logits = together.step(together.sequential(), parts, count);
    for (const uint32_t i : {0u, count - 1}) {
      conversations[i]->position = 8;
      const auto alone = together.step(together.sequential(), {{conversations[i], 1}}, 1);
      CHECK(alone[0] == logits[i]);
    }
  }
  CHECK(replays_of(together) > 0);
}

TEST("a prompt in any chunks gives the same logits, alone or among others") {
  const test::TinyOptions shapes[] = {
      {.layers = 2},
      {.layers = 2, .architecture = "MixtralForCausalLM", .experts = 5, .experts_per_token = 2}};
  constexpr uint32_t kLength = 60;
  std::mt19937_64 random(test::seed());
  for (const test::TinyOptions& options : shapes) {
    test::TinyModel model(options);
    test::Conversation& prompt = model.converse(kLength, 7);
    test::Conversation& other = model.converse(180, 8);
    const Logits expected = model.step(model.sequential(), {{&prompt, kLength}}, 0)[0];
    for (int round = 0; round < 6; ++round) {
      prompt.position = 0;
      Logits last;
      while (prompt.position < kLength) {
        const uint32_t most = std::min(kLength - prompt.position, test::TinyModel::kMaxRows - 9);
        const auto rows = 1 + static_cast<uint32_t>(random() % most);
        std::vector<test::Part> parts{{&prompt, rows}};
        if (round % 2 == 1 && other.position + 9 <= 180) parts.push_back({&other, 9});
        last = model.step(model.sequential(), parts, 0)[0];
      }
      CHECK(last == expected);
    }
  }
}
