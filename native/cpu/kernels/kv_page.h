// Bytes inside a KV page of one layer. Keys and values are right-hand sides of small GEMMs, in the
// layout of packed weights: pairs along the reduced dimension, panels of columns that are read from
// front to back, which is what the processor's prefetchers follow. A kv head's part of a page is
// contiguous:
//
//   keys   [group of G tokens][D / 2][G tokens][2]                 q * k reduces over D
//   values [panel of 32 of D][pair of tokens][32][2]               p * v reduces over tokens
//
// G is 32, or 16 in pages of 16 tokens; D is padded to 32 for the values. page_tokens is a multiple
// of 16 and D is even, so every part starts on a cache line.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nf::cpu {

constexpr uint32_t kKeyColumns = 16;    // tokens of a cache line of keys
constexpr uint32_t kValueColumns = 32;  // dimensions of a panel of values

struct KvPage {
  uint32_t page_tokens;
  uint32_t num_kv_heads;
  uint32_t head_dim;

  uint32_t group_tokens() const { return page_tokens < 32 ? page_tokens : 32; }
  uint32_t value_panels() const { return (head_dim + kValueColumns - 1) / kValueColumns; }
  // Words are pairs of bf16.
  size_t value_panel_words() const { return size_t{page_tokens} / 2 * kValueColumns; }
  size_t head_key_words() const { return size_t{page_tokens} * head_dim / 2; }
  size_t head_words() const { return head_key_words() + value_panels() * value_panel_words(); }
  size_t bytes() const { return num_kv_heads * head_words() * sizeof(uint32_t); }

  // Word offset of the first pair of a token's key; the next pair is group_tokens() words further.
  size_t key(uint32_t head, uint32_t token) const {
    const uint32_t in_group = token % group_tokens();
    return head * head_words() + size_t{token - in_group} * head_dim / 2 + in_group;
  }
  // Word offset of the pair of values of `token` and its neighbour, in the first panel.
  size_t value(uint32_t head, uint32_t token) const {
    return head * head_words() + head_key_words() + size_t{token / 2} * kValueColumns;
  }
};

}  // namespace nf::cpu
