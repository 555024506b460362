// Batch invariance by construction: the logits of a token are the same bits alone or among others,
// whole or in chunks, as decode or as prefill, again after its pages were given away, at any thread
// count.

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

test::TinyOptions shape(uint32_t device, uint32_t threads = 2) {
  return {.device = device, .threads = threads, .layers = 3};
}

constexpr uint32_t kLength = 90;
constexpr uint64_t kConversation = 17;

Trace reference_trace(uint32_t device) {
  test::TinyModel model(shape(device));
  return decode_alone(model, model.converse(kLength, kConversation));
}

void check_chunks(uint32_t device) {
  const Trace expected = reference_trace(device);
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 8; ++round) {
    test::TinyModel model(shape(device));
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
void check_company(uint32_t device, uint32_t others) {
  const Trace expected = reference_trace(device);
  std::mt19937_64 random(test::seed() + others);
  test::TinyModel model(shape(device));
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
void check_recompute(uint32_t device) {
  const Trace expected = reference_trace(device);
  test::TinyModel model(shape(device));
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
  check_chunks(NF_DEVICE_CPU);
  check_chunks(NF_DEVICE_REFERENCE);
}

TEST("logits do not depend on who shares the batch") {
  for (const uint32_t others : {3u, 16u}) {
    check_company(NF_DEVICE_CPU, others);
    check_company(NF_DEVICE_REFERENCE, others);
  }
}

TEST("a sequence that was preempted and recomputed gives the same logits") {
  check_recompute(NF_DEVICE_CPU);
  check_recompute(NF_DEVICE_REFERENCE);
}

TEST("logits do not depend on the number of threads") {
  const Trace expected = reference_trace(NF_DEVICE_CPU);
  for (const uint32_t threads : {1u, 3u, 7u}) {
    test::TinyModel model(shape(NF_DEVICE_CPU, threads));
    expect_same(expected, decode_alone(model, model.converse(kLength, kConversation)));
  }
}

TEST("logits do not depend on the page size") {
  const Trace expected = reference_trace(NF_DEVICE_CPU);
  for (const uint32_t page_tokens : {32u, 64u, 128u}) {
    test::TinyOptions options = shape(NF_DEVICE_CPU);
    options.page_tokens = page_tokens;
    test::TinyModel model(options);
    expect_same(expected, decode_alone(model, model.converse(kLength, kConversation)));
  }
}

TEST("cpu logits are close to the reference's") {
  const Trace reference = reference_trace(NF_DEVICE_REFERENCE);
  const Trace cpu = reference_trace(NF_DEVICE_CPU);
  float worst = 0;
  for (const auto& [position, logits] : reference) {
    for (size_t i = 0; i < logits.size(); ++i) {
      worst = std::max(worst, std::abs(logits[i] - cpu.at(position)[i]));
    }
  }
  CHECK(worst < 0.1f);
}
