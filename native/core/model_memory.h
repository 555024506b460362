// The addresses that a program binds its kernels to: weights, arena, KV pages, RoPE table.
#pragma once

#include <vector>

#include "arena.h"
#include "graph.h"

namespace nf {

struct ModelMemory {
  std::byte* arena = nullptr;
  ArenaLayout layout;
  std::vector<std::vector<std::vector<WeightSection>>> weights;  // [weight][layer or 0][section]
  KvView kv{};                                                   // of layer 0
  size_t kv_layer_bytes = 0;  // from one layer's pages to the next one's
  RopeTable rope{};

  const std::vector<WeightSection>& sections(WeightId id, uint32_t layer) const {
    const auto& layers = weights[id];
    return layers[layers.size() == 1 ? 0 : layer];
  }
  // Of vectors and of tables, which are one section.
  const WeightView& weight(WeightId id, uint32_t layer) const {
    return sections(id, layer).front().view;
  }
};

}  // namespace nf
