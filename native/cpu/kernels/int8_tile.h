// The inner loop of an int8 GEMM: c[rows, 32] (+)= a[rows, 4 * groups] * b[4 * groups, 32], in
// exact 32-bit integers.
//
// a holds bytes with 128 added (core/tensor.h) and b signed ones, four neighbours of the reduced
// dimension in a word. With VNNI a word of each is one operand of vpdpbusd. Otherwise both are
// widened to 16 bits, the bytes with even and those with odd index apart, and multiplied by
// vpmaddwd: vpmaddubsw would saturate.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nf::cpu {

template <typename V>
struct Int8Tile {
  // Words of a per group: the bytes as they are, or those with even and with odd index widened.
  static constexpr size_t kWords = V::kByteDot ? 1 : 2;

  const uint32_t* a;  // [rows, groups * kWords], lda apart
  size_t lda;
  const uint32_t* b;  // [groups, 32]
  size_t groups;
  uint32_t* c;  // [rows, 32], ldc apart
  size_t ldc;
  bool accumulate;  // false: c is overwritten
  // What is fetched while the tile computes: `ahead_step` bytes for each group.
  const std::byte* ahead;
  size_t ahead_step;
};

template <typename V, uint32_t kRows>
void multiply_int8_tile(const Int8Tile<V>& t) {
  using I = typename V::I;
  constexpr uint32_t kVectors = V::tile_vectors(kRows);
  constexpr uint32_t kLanes = V::kLanes;
  for (uint32_t column = 0; column < 32; column += kVectors * kLanes) {
    I acc[kRows][kVectors];
#pragma GCC unroll 4
    for (uint32_t v = 0; v < kVectors; ++v) {
#pragma GCC unroll 12
      for (uint32_t i = 0; i < kRows; ++i) {
        const uint32_t* c = t.c + i * t.ldc + column + v * kLanes;
        acc[i][v] = t.accumulate ? V::load_pairs(c) : V::set1_pair(0);
      }
    }
    const uint32_t* b = t.b + column;
    const std::byte* ahead = t.ahead;
    for (size_t k = 0; k < t.groups; ++k, b += 32, ahead += t.ahead_step) {
      __builtin_prefetch(ahead);
      __builtin_prefetch(ahead + t.ahead_step / 2);
      I words[kVectors];
#pragma GCC unroll 4
      for (uint32_t v = 0; v < kVectors; ++v) words[v] = V::load_pairs(b + v * kLanes);
      if constexpr (V::kByteDot) {
#pragma GCC unroll 12
        for (uint32_t i = 0; i < kRows; ++i) {
          const I x = V::set1_pair(t.a[i * t.lda + k]);
#pragma GCC unroll 4
          for (uint32_t v = 0; v < kVectors; ++v) acc[i][v] = V::dot_bytes(acc[i][v], x, words[v]);
        }
      } else {
        I w[kVectors];
#pragma GCC unroll 4
        for (uint32_t v = 0; v < kVectors; ++v) w[v] = V::even_bytes(words[v]);
#pragma GCC unroll 12
        for (uint32_t i = 0; i < kRows; ++i) {
          const I x = V::set1_pair(t.a[i * t.lda + 2 * k]);
#pragma GCC unroll 4
          for (uint32_t v = 0; v < kVectors; ++v) acc[i][v] = V::dot_shorts(acc[i][v], x, w[v]);
        }
#pragma GCC unroll 4
        for (uint32_t v = 0; v < kVectors; ++v) w[v] = V::odd_bytes(words[v]);
#pragma GCC unroll 12
        for (uint32_t i = 0; i < kRows; ++i) {
          const I x = V::set1_pair(t.a[i * t.lda + 2 * k + 1]);
#pragma GCC unroll 4
          for (uint32_t v = 0; v < kVectors; ++v) acc[i][v] = V::dot_shorts(acc[i][v], x, w[v]);
        }
      }
    }
#pragma GCC unroll 4
    for (uint32_t v = 0; v < kVectors; ++v) {
#pragma GCC unroll 12
      for (uint32_t i = 0; i < kRows; ++i) {
        V::store_pairs(t.c + i * t.ldc + column + v * kLanes, acc[i][v]);
      }
    }
  }
}

// multiply_int8_tile for a number of rows known only at run time, 1 .. V::kTileRows.
template <typename V, uint32_t kRows = V::kTileRows>
void multiply_int8_rows(const Int8Tile<V>& t, uint32_t rows) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return multiply_int8_rows<V, kRows - 1>(t, rows);
  }
  multiply_int8_tile<V, kRows>(t);
}

// Any number of rows, in tiles of nearly equal height. All pass over the same weights: the first
// brings them near, and each fetches its share of `next`, which is as long.
template <typename V>
void multiply_int8(Int8Tile<V> t, uint32_t rows, const uint32_t* next) {
  constexpr size_t kGroupBytes = 32 * sizeof(uint32_t);
  // Of a single pass over weights from memory: farther than in tile.h, because a row spends half
  // the time on a byte. What follows a panel is mostly the next one.
  constexpr size_t kAheadBytes = 8192;
  uint32_t tiles = (rows + V::kTileRows - 1) / V::kTileRows;
  const bool once = tiles == 1;
  t.ahead = reinterpret_cast<const std::byte*>(once ? t.b : next) + (once ? kAheadBytes : 0);
  t.ahead_step = (kGroupBytes + tiles - 1) / tiles;
  for (; tiles > 0; --tiles) {
    const uint32_t height = (rows + tiles - 1) / tiles;
    multiply_int8_rows<V>(t, height);
    t.a += height * t.lda;
    t.c += height * t.ldc;
    t.ahead += t.groups * t.ahead_step;
    rows -= height;
  }
}

// Quantized bytes as the tile wants them, for `groups` groups.
template <typename V>
void spread_bytes(const std::byte* bytes, size_t groups, uint32_t* out) {
  if constexpr (V::kByteDot) {
    __builtin_memcpy(out, bytes, groups * sizeof(uint32_t));
  } else {
    for (size_t k = 0; k < groups; ++k) {
      uint32_t word;
      __builtin_memcpy(&word, bytes + k * sizeof(word), sizeof(word));
      out[2 * k] = word & 0x00ff00ffu;
      out[2 * k + 1] = word >> 8 & 0x00ff00ffu;
    }
  }
}

}  // namespace nf::cpu
