// Which experts a row of the step goes to, and with what weights: the rules, in one place for every
// backend, so that all of them choose alike from the same logits.
//
// Probabilities are the softmax of the router's logits over all experts, in fp32. A row takes the
// experts with the largest logits (of equal ones those with the lowest index; a NaN counts as the
// smallest), in slots that ascend by expert: experts are summed in that order. Where the model says
// so, the weights are scaled to a sum of 1.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "host_device.h"

namespace nf {

// [rows, 2 * slots]: of each row the experts of its slots, then their weights, which are floats.
struct RoutingView {
  const uint32_t* data;
  uint32_t slots;

  NF_HOST_DEVICE uint32_t expert(uint32_t row, uint32_t slot) const {
    return data[2 * size_t{row} * slots + slot];
  }
  NF_HOST_DEVICE float weight(uint32_t row, uint32_t slot) const {
    float weight;
    std::memcpy(&weight, data + (2 * size_t{row} + 1) * slots + slot, sizeof(weight));
    return weight;
  }
};

// Writes the `slots` experts with the largest of logits [num_experts], ascending by expert.
inline void choose_experts(const float* logits, uint32_t num_experts, uint32_t slots,
                           uint32_t* experts) {
  const auto rank = [logits](uint32_t expert) {
    const float logit = logits[expert];
    return logit == logit ? logit : -std::numeric_limits<float>::infinity();
  };
  // The best so far, best first: a later expert passes only those that are truly smaller.
  uint32_t count = 0;
  for (uint32_t expert = 0; expert < num_experts; ++expert) {
    uint32_t place = count;
    while (place > 0 && rank(expert) > rank(experts[place - 1])) --place;
    if (place == slots) continue;
    if (count < slots) ++count;
    for (uint32_t i = count - 1; i > place; --i) experts[i] = experts[i - 1];
    experts[place] = expert;
  }
  for (uint32_t i = 1; i < count; ++i) {
    const uint32_t expert = experts[i];
    uint32_t place = i;
    for (; place > 0 && experts[place - 1] > expert; --place) experts[place] = experts[place - 1];
    experts[place] = expert;
  }
}

// Routing of one row, [2 * slots], from its logits [num_experts]; slots <= num_experts.
inline void route_row(const float* logits, uint32_t num_experts, uint32_t slots, bool normalize,
                      uint32_t* routing) {
  choose_experts(logits, num_experts, slots, routing);
  float largest = logits[0];
  for (uint32_t i = 1; i < num_experts; ++i) largest = logits[i] > largest ? logits[i] : largest;
  float sum = 0;
  for (uint32_t i = 0; i < num_experts; ++i) sum += std::exp(logits[i] - largest);
  float chosen = 0;
  for (uint32_t slot = 0; slot < slots; ++slot) {
    chosen += std::exp(logits[routing[slot]] - largest) / sum;
  }
  for (uint32_t slot = 0; slot < slots; ++slot) {
    float weight = std::exp(logits[routing[slot]] - largest) / sum;
    if (normalize) weight /= chosen;
    std::memcpy(routing + slots + slot, &weight, sizeof(weight));
  }
}

}  // namespace nf
