// What plans are compared on: one step over sequences of all kinds, run again under each plan.
#pragma once

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "tiny_model.h"

namespace test {

// A model with conversations in the middle of their life, and one step over them: some decode, some
// prefill their first chunk, some a later one.
struct PlanScene {
  explicit PlanScene(const TinyOptions& options, uint64_t seed) : model(options, seed) {
    std::mt19937_64 random(seed);
    for (uint32_t i = 0; i < 9; ++i) {
      const uint32_t context = i % 3 == 1 ? 0 : 1 + static_cast<uint32_t>(random() % 70);
      const uint32_t rows = i < 4 ? 1 : 1 + static_cast<uint32_t>(random() % 9);
      Conversation& conversation = model.converse(context + rows, random());
      while (conversation.position < context) {
        const uint32_t chunk = std::min(context - conversation.position, 40u);
        model.step(model.sequential(), {{&conversation, chunk}}, 0);
      }
      parts.push_back({&conversation, rows});
      start.push_back(context);
      num_rows += rows;
    }
  }

  std::vector<std::vector<float>> run(nf::Program& program) {
    for (size_t i = 0; i < parts.size(); ++i) parts[i].conversation->position = start[i];
    // What an earlier step left behind must not help: poison every activation.
    const std::vector<uint8_t> poison(model.engine().memory().layout.total_bytes, 0xff);
    model.engine().backend().write(model.engine().memory().arena, poison.data(), poison.size());
    return model.step(program, parts, 4);
  }

  TinyModel model;
  std::vector<Part> parts;
  std::vector<uint32_t> start;
  uint32_t num_rows = 0;
};

inline bool same_bits(const std::vector<std::vector<float>>& a,
                      const std::vector<std::vector<float>>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(float)) != 0) return false;
  }
  return a.size() == b.size();
}

}  // namespace test
