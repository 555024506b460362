// Bytes inside a KV page of one layer. Both parts are right-hand sides of small GEMMs, in the
// layout of packed weights: pairs along the reduced dimension, 16 columns of 4 bytes a cache line.
//
//   keys   [kv_head][group of 16 tokens][D / 2][16 tokens][2]   q * k reduces over D
//   values [kv_head][pair of tokens][D padded to 32][2]         p * v reduces over tokens
//
// page_tokens is a multiple of 16, D is even, so every part starts on a cache line.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nf::cpu {

constexpr uint32_t kKeyGroup = 16;  // tokens whose keys are transposed together

struct KvPage {
  uint32_t page_tokens;
  uint32_t num_kv_heads;
  uint32_t head_dim;

  // D of the values, padded so that the output of p * v is whole panels.
  size_t value_width() const { return (size_t{head_dim} + 31) / 32 * 32; }
  // Words are pairs of bf16.
  size_t group_words() const { return size_t{head_dim} / 2 * kKeyGroup; }
  size_t head_key_words() const { return size_t{page_tokens} / kKeyGroup * group_words(); }
  size_t head_value_words() const { return size_t{page_tokens} / 2 * value_width(); }
  size_t key_words() const { return num_kv_heads * head_key_words(); }
  size_t bytes() const { return (key_words() + num_kv_heads * head_value_words()) * 4; }

  // Word offset of the 16 keys that hold `token` of the page.
  size_t key_group(uint32_t head, uint32_t token) const {
    return head * head_key_words() + token / kKeyGroup * group_words();
  }
  // Word offset of the pair of values that holds `token` of the page.
  size_t value_pair(uint32_t head, uint32_t token) const {
    return key_words() + head * head_value_words() + size_t{token / 2} * value_width();
  }
};

}  // namespace nf::cpu
