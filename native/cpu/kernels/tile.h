// The one inner loop of GEMM and attention: c[rows, 32] (+)= a[rows, 2 * pairs] * b[2 * pairs, 32].
//
// b is two halves of 16 columns; a half is [pairs][16][2] bf16, with b_stride words from one pair
// of the reduced dimension to the next. Every element of c is one chain of fp32 accumulations over
// ascending pairs, whatever the number of rows: that is why results do not depend on batching, and
// why a sum may be interrupted (stored) and taken up again.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nf::cpu {

// How far ahead of its use a word is fetched: 3 KiB, measured best for what is read from memory.
// What follows b is mostly what will be read next.
constexpr size_t kPrefetchWords = 768;

// Two lines that a tile fetches with every pair, for later.
struct Ahead {
  const uint32_t* line[2];
  size_t stride;  // words from one pair to the next

  // The share of one of several tiles, where together they fetch what each would alone.
  Ahead part(uint32_t index, uint32_t tiles, size_t pairs) const {
    const size_t first = pairs * stride * index / tiles;
    return {{line[0] + first, line[1] + first}, stride / tiles};
  }
};

template <typename V>
struct Tile {
  // Words of A per pair of the reduced dimension: one pair, or two widened floats.
  static constexpr size_t kPairSize = V::kPairDot ? 1 : 2;

  const typename V::A* a;  // [rows, pairs * kPairSize], lda apart
  size_t lda;
  const uint32_t* half[2];  // 16 columns each
  size_t b_stride;          // words
  size_t pairs;
  float* c;  // [rows, 32], ldc apart
  size_t ldc;
  bool accumulate;  // false: c is overwritten
  Ahead ahead;
};

template <typename V, uint32_t kRows>
void multiply_tile(const Tile<V>& t, const Ahead& ahead) {
  using F = typename V::F;
  constexpr uint32_t kVectors = V::tile_vectors(kRows);
  constexpr uint32_t kLanes = V::kLanes;
  for (uint32_t column = 0; column < 32; column += kVectors * kLanes) {
    const uint32_t* b[kVectors];
    F acc[kRows][kVectors];
#pragma GCC unroll 4
    for (uint32_t v = 0; v < kVectors; ++v) {
      const uint32_t j = column + v * kLanes;
      b[v] = t.half[j / 16] + j % 16;
#pragma GCC unroll 12
      for (uint32_t i = 0; i < kRows; ++i) {
        acc[i][v] = t.accumulate ? V::load(t.c + i * t.ldc + j) : V::set1(0.0f);
      }
    }
    for (size_t k = 0; k < t.pairs; ++k) {
      typename V::I pairs[kVectors];
#pragma GCC unroll 4
      for (uint32_t v = 0; v < kVectors; ++v) {
        pairs[v] = V::load_pairs(b[v] + k * t.b_stride);
        const uint32_t j = column + v * kLanes;
        if (j % 16 == 0) __builtin_prefetch(ahead.line[j / 16] + k * ahead.stride);
      }
      if constexpr (V::kPairDot) {
#pragma GCC unroll 12
        for (uint32_t i = 0; i < kRows; ++i) {
          const typename V::I x = V::set1_pair(t.a[i * t.lda + k]);
#pragma GCC unroll 4
          for (uint32_t v = 0; v < kVectors; ++v) acc[i][v] = V::dot(acc[i][v], x, pairs[v]);
        }
      } else {
        F w[kVectors];
#pragma GCC unroll 4
        for (uint32_t v = 0; v < kVectors; ++v) w[v] = V::even(pairs[v]);
#pragma GCC unroll 12
        for (uint32_t i = 0; i < kRows; ++i) {
          const F x = V::set1(t.a[i * t.lda + 2 * k]);
#pragma GCC unroll 4
          for (uint32_t v = 0; v < kVectors; ++v) acc[i][v] = V::fma(x, w[v], acc[i][v]);
        }
#pragma GCC unroll 4
        for (uint32_t v = 0; v < kVectors; ++v) w[v] = V::odd(pairs[v]);
#pragma GCC unroll 12
        for (uint32_t i = 0; i < kRows; ++i) {
          const F x = V::set1(t.a[i * t.lda + 2 * k + 1]);
#pragma GCC unroll 4
          for (uint32_t v = 0; v < kVectors; ++v) acc[i][v] = V::fma(x, w[v], acc[i][v]);
        }
      }
    }
#pragma GCC unroll 4
    for (uint32_t v = 0; v < kVectors; ++v) {
#pragma GCC unroll 12
      for (uint32_t i = 0; i < kRows; ++i) {
        V::store(t.c + i * t.ldc + column + v * kLanes, acc[i][v]);
      }
    }
  }
}

// multiply_tile for a number of rows known only at run time, 1 .. V::kTileRows.
template <typename V, uint32_t kRows = V::kTileRows>
void multiply_rows(const Tile<V>& t, const Ahead& ahead, uint32_t rows) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return multiply_rows<V, kRows - 1>(t, ahead, rows);
  }
  multiply_tile<V, kRows>(t, ahead);
}

// Any number of rows, in tiles of nearly equal height.
template <typename V>
void multiply(Tile<V> t, uint32_t rows) {
  const uint32_t tiles = (rows + V::kTileRows - 1) / V::kTileRows;
  for (uint32_t index = 0; index < tiles; ++index) {
    const uint32_t left = tiles - index;
    const uint32_t height = (rows + left - 1) / left;
    multiply_rows<V>(t, t.ahead.part(index, tiles, t.pairs), height);
    t.a += height * t.lda;
    t.c += height * t.ldc;
    rows -= height;
  }
}

// Elements of a GEMM input as the tile wants them: pairs as they are, or widened. n is even.
template <typename V>
void widen(const uint16_t* source, uint32_t n, typename V::A* out) {
  if constexpr (V::kPairDot) {
    __builtin_memcpy(out, source, n * sizeof(uint16_t));
  } else {
    uint32_t i = 0;
    for (; i + V::kLanes <= n; i += V::kLanes) V::store(out + i, V::load_bf16(source + i));
    for (; i < n; ++i) {
      const uint32_t bits = uint32_t{source[i]} << 16;
      __builtin_memcpy(out + i, &bits, sizeof(bits));
    }
  }
}

}  // namespace nf::cpu
