// Batch invariance by construction: the logits of a token are the same bits alone or among others,
// whole or in chunks, as decode or as prefill, again after its pages were given away, at any thread
// count.

#include <cstdio>
#include <cstring>
#include <map>
#include <random>

#include "check.h"
#include "tiny_model.h"

namespace {

using Logits = std::vector<float>;

// By position: the logits after the token at that position.
using Trace = std::map<uint32_t, Logits>;

bool same(const Logits& a, const Logits& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void expect_same(const Trace& expected, const Trace& actual) {
  for (const auto& [position, logits] : actual) {
    CHECK(expected.count(position) == 1 && same(expected.at(position), logits));
  }
}

// Every token of a conversation as a decode of its own.
Trace decode_alone(test::TinyModel& model, test::Conversation& conversation) {
  Trace trace;
  while (conversation.position < conversation.tokens.size()) {
    const uint32_t position = conversation.position;
    trace[position] = model.step(model.sequential(), {{&conversation, 1}}, 1)[0];
  }
  return trace;
}

// One model of each kind of attention: plain, with normed heads, through windows that end within a
// block of keys, on its border and behind the conversation, and with softened scores; models with
// experts; and, where the device has kernels for them, with int8 weights.
std::vector<test::TinyOptions> models(uint32_t device) {
  std::vector<test::TinyOptions> all = {
      {.device = device, .threads = 2, .layers = 3},
      {.device = device, .threads = 2, .layers = 3, .architecture = "Qwen3ForCausalLM"},
      {.device = device,
       .threads = 2,
       .layers = 4,
       .architecture = "Qwen2ForCausalLM",
       .windows = {20, 64, 0, 200}},
      {.device = device,
       .threads = 2,
       .layers = 2,
       .architecture = "Gemma2ForCausalLM",
       .windows = {20, 0},
       .attention_softcap = 2,
       .logit_softcap = 5,
       .embedding_scale = 8},
      test::mixed_formats(device),
      {.device = device,
       .threads = 2,
       .layers = 3,
       .architecture = "MixtralForCausalLM",
       .experts = 6,
       .experts_per_token = 2},
      {.device = device,
       .threads = 2,
       .layers = 2,
       .architecture = "Qwen3MoeForCausalLM",
       .experts = 20,
       .experts_per_token = 4}};
  if (device == NF_DEVICE_CUDA) return all;
  constexpr uint32_t kBoth = NF_MODEL_INT8_LAYERS | NF_MODEL_INT8_HEAD;
  all.push_back({.device = device, .threads = 2, .layers = 3, .tied = true, .int8 = kBoth});
  all.push_back({.device = device,
                 .threads = 2,
                 .layers = 2,
                 .bias = true,
                 .int8 = NF_MODEL_INT8_LAYERS,
                 .architecture = "Qwen2ForCausalLM",
                 .intermediate = 90});
  all.push_back({.device = device,
                 .threads = 2,
                 .layers = 2,
                 .int8 = kBoth,
                 .architecture = "Gemma2ForCausalLM",
                 .intermediate = 96,
                 .logit_softcap = 5,
                 .embedding_scale = 8});
  return all;
}

constexpr uint32_t kLength = 90;
constexpr uint64_t kConversation = 17;

Trace reference_trace(const test::TinyOptions& options) {
  test::TinyModel model(options);
  return decode_alone(model, model.converse(kLength, kConversation));
}

void check_chunks(const test::TinyOptions& options) {
  const Trace expected = reference_trace(options);
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 8; ++round) {
    test::TinyModel model(options);
    test::Conversation& conversation = model.converse(kLength, kConversation);
    Trace trace;
    while (conversation.position < kLength) {
      const auto rows =
          std::min(1 + static_cast<uint32_t>(random() % 64), kLength - conversation.position);
      const Logits logits = model.step(model.sequential(), {{&conversation, rows}}, 0)[0];
      trace[conversation.position - 1] = logits;
    }
    expect_same(expected, trace);
  }
}

// The conversation decodes while others come, prefill and decode around it.
void check_company(const test::TinyOptions& options, uint32_t others) {
  const Trace expected = reference_trace(options);
  std::mt19937_64 random(test::seed() + others);
  test::TinyModel model(options);
  test::Conversation& watched = model.converse(kLength, kConversation);
  std::vector<test::Conversation*> company;
  for (uint32_t i = 0; i < others; ++i) company.push_back(&model.converse(160, random()));
  Trace trace;
  while (watched.position < kLength) {
    std::vector<test::Part> parts;
    // Half of the company decodes before it, so that its row moves about.
    for (uint32_t i = 0; i < others / 2; ++i) parts.push_back({company[i], 1});
    parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(random() % (parts.size() + 1)),
                 {&watched, 1});
    const auto decodes = static_cast<uint32_t>(parts.size());
    size_t index = 0;
    while (parts[index].conversation != &watched) ++index;
    if (random() % 2 == 0 && company.back()->position + 7 < 160)
      parts.push_back({company.back(), 7});
    const Logits logits = model.step(model.sequential(), parts, decodes)[index];
    trace[watched.position - 1] = logits;
    for (test::Conversation* other : company) {
      if (other->position + 8 >= 160) other->position = 0;  // starts over, in its own pages
    }
  }
  expect_same(expected, trace);
}

// Loses its pages in the middle and is recomputed in other ones.
void check_recompute(const test::TinyOptions& options) {
  const Trace expected = reference_trace(options);
  test::TinyModel model(options);
  test::Conversation& first = model.converse(kLength, kConversation);
  model.step(model.sequential(), {{&first, 50}}, 0);
  test::Conversation& again = model.converse(kLength, kConversation);
  Trace trace;
  model.step(model.sequential(), {{&again, 33}}, 0);
  trace[50] = model.step(model.sequential(), {{&again, 18}}, 0)[0];
  for (const auto& [position, logits] : decode_alone(model, again)) trace[position] = logits;
  expect_same(expected, trace);
}

}  // namespace

TEST("a prompt in any chunks gives the logits of token by token decoding") {
  for (const uint32_t device : test::devices()) {
    for (const test::TinyOptions& options : models(device)) check_chunks(options);
  }
}

TEST("logits do not depend on who shares the batch") {
  for (const uint32_t device : test::devices()) {
    for (const test::TinyOptions& options : models(device)) {
      for (const uint32_t others : {3u, 16u}) check_company(options, others);
    }
  }
}

TEST("a sequence that was preempted and recomputed gives the same logits") {
  for (const uint32_t device : test::devices()) {
    for (const test::TinyOptions& options : models(device)) check_recompute(options);
  }
}

TEST("logits do not depend on the number of threads") {
  for (test::TinyOptions& options : models(NF_DEVICE_CPU)) {
    const Trace expected = reference_trace(options);
    for (const uint32_t threads : {1u, 3u, 7u}) {
      options.threads = threads;
      expect_same(expected, reference_trace(options));
    }
  }
}

TEST("logits do not depend on the page size") {
  for (test::TinyOptions& options : models(NF_DEVICE_CPU)) {
    const Trace expected = reference_trace(options);
    for (const uint32_t page_tokens : {32u, 64u, 128u}) {
      options.page_tokens = page_tokens;
      expect_same(expected, reference_trace(options));
    }
  }
}

TEST("cpu logits are close to the reference's") {
  auto reference_models = models(NF_DEVICE_REFERENCE);
  auto cpu_models = models(NF_DEVICE_CPU);
  // Rounding decides which of two experts with nearly equal logits is taken: here all are.
  for (auto* both : {&reference_models, &cpu_models}) {
    for (test::TinyOptions& options : *both) options.experts_per_token = options.experts;
  }
  for (size_t m = 0; m < cpu_models.size(); ++m) {
    const Trace cpu = reference_trace(cpu_models[m]);
    float worst = 0;
    for (const auto& [position, logits] : reference_trace(reference_models[m])) {
      for (size_t i = 0; i < logits.size(); ++i) {
        worst = std::max(worst, std::abs(logits[i] - cpu.at(position)[i]));
      }
    }
    std::printf("  %s: at most %.3f apart\n", cpu_models[m].architecture, double{worst});
    // Where rounding falls on the other side of a tie, int8 moves by more than bf16.
    CHECK(worst < (cpu_models[m].int8 != 0 ? 0.4f : 0.1f));
  }
}

TEST("long sequences are rotated in their own way, whatever shares the batch") {
  test::TinyOptions options{.layers = 2, .architecture = "Phi3ForCausalLM"};
  options.short_factors.assign(options.head_dim / 2, 1.0f);
  options.long_factors.assign(options.head_dim / 2, 4.0f);
  for (const uint32_t device : test::devices()) {
    options.device = device;
    test::TinyModel model(options);
    std::vector<Logits> alone;
    test::Conversation* both[2];
    for (const bool is_long : {false, true}) {
      test::Conversation& conversation = model.converse(32, 1);
      conversation.has_long_rope = is_long;
      model.step(model.sequential(), {{&conversation, 22}}, 0);
      alone.push_back(model.step(model.sequential(), {{&conversation, 10}}, 0)[0]);
      both[is_long] = &model.converse(32, 1);
      both[is_long]->has_long_rope = is_long;
    }
    CHECK(!same(alone[0], alone[1]));
    for (const uint32_t rows : {1u, 30u}) {
      model.step(model.sequential(), {{both[0], rows}, {both[1], rows}}, 0);
    }
    const auto together = model.step(model.sequential(), {{both[0], 1}, {both[1], 1}}, 2);
    CHECK(same(together[0], alone[0]));
    CHECK(same(together[1], alone[1]));
  }
}

TEST("a window hides the tokens before it, layer by layer") {
  // Two layers of 20 tokens reach 38 positions back: what differs before that cannot be seen.
  test::TinyOptions options{.layers = 2, .windows = {20, 20}};
  constexpr auto kVocab = static_cast<int32_t>(test::TinyModel::kVocab);
  for (const uint32_t device : test::devices()) {
    options.device = device;
    test::TinyModel model(options);
    test::Conversation& one = model.converse(80, 1);
    std::vector<int32_t> tokens = one.tokens;
    tokens[79 - 39] = (tokens[79 - 39] + 1) % kVocab;
    test::Conversation& hidden = model.converse(tokens);
    tokens = one.tokens;
    tokens[79 - 38] = (tokens[79 - 38] + 1) % kVocab;
    test::Conversation& seen = model.converse(tokens);
    std::vector<Logits> last;
    for (test::Conversation* conversation : {&one, &hidden, &seen}) {
      model.step(model.sequential(), {{conversation, 60}}, 0);
      last.push_back(model.step(model.sequential(), {{conversation, 20}}, 0)[0]);
    }
    CHECK(same(last[0], last[1]));
    CHECK(!same(last[0], last[2]));
  }
}
