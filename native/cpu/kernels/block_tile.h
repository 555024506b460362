// The inner loops of a GEMM over block formats: for every sub-block of the reduced dimension
//
//   c[rows, 32] += scale * (a * q), then -= min * (sum of a)
//
// with q in bf16. The product over a sub-block is one chain of fp32 accumulations from zero in
// ascending order, and sub-blocks are added in ascending order: as in tile.h, results do not depend
// on the number of rows or on which of the loops ran, and a sum may be interrupted at the end of
// any sub-block. Few rows read the packed weights themselves; more share what was unpacked for all.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/kernels/block_panel.h"

namespace nf::cpu {

template <typename V>
struct BlockTile {
  const typename V::A* a;  // [rows, pairs], lda apart, as in Tile
  size_t lda;
  const float* sums;  // [rows, sub-blocks]: of the activations, ld_sums apart; where there are mins
  size_t ld_sums;
  float* c;  // [rows, 32], ldc apart
  size_t ldc;
  bool accumulate;    // false: c is overwritten
  size_t sub_blocks;  // a multiple of those of a block

  // The weights as they are packed, for multiply_packed; or taken apart, for multiply_unpacked.
  const std::byte* blocks;
  const uint32_t* pairs;  // [pairs][32]
  const float* scales;    // [sub-blocks][32]
  const float* mins;      // [sub-blocks][32]
};

// acc[row][vector] += a[row, pairs] * b[pairs][vector].
template <typename V, uint32_t kRows, uint32_t kVectors>
[[gnu::always_inline]] inline void add_pair(const typename V::A* a, size_t lda,
                                            const typename V::I (&b)[kVectors],
                                            typename V::F (&acc)[kRows][kVectors]) {
  using F = typename V::F;
  if constexpr (V::kPairDot) {
#pragma GCC unroll 12
    for (uint32_t i = 0; i < kRows; ++i) {
      const typename V::I x = V::set1_pair(a[i * lda]);
#pragma GCC unroll 4
      for (uint32_t v = 0; v < kVectors; ++v) acc[i][v] = V::dot(acc[i][v], x, b[v]);
    }
  } else {
    F w[kVectors];
#pragma GCC unroll 4
    for (uint32_t v = 0; v < kVectors; ++v) w[v] = V::even(b[v]);
#pragma GCC unroll 12
    for (uint32_t i = 0; i < kRows; ++i) {
      const F x = V::set1(a[i * lda]);
#pragma GCC unroll 4
      for (uint32_t v = 0; v < kVectors; ++v) acc[i][v] = V::fma(x, w[v], acc[i][v]);
    }
#pragma GCC unroll 4
    for (uint32_t v = 0; v < kVectors; ++v) w[v] = V::odd(b[v]);
#pragma GCC unroll 12
    for (uint32_t i = 0; i < kRows; ++i) {
      const F x = V::set1(a[i * lda + 1]);
#pragma GCC unroll 4
      for (uint32_t v = 0; v < kVectors; ++v) acc[i][v] = V::fma(x, w[v], acc[i][v]);
    }
  }
}

// c += scale * acc - min * sum, for sub-block s and the columns from j on.
template <typename V, bool kMins, uint32_t kRows>
[[gnu::always_inline]] inline void add_sub_block(const BlockTile<V>& t, size_t s, uint32_t j,
                                                 typename V::F scale, typename V::F min,
                                                 const typename V::F (&acc)[kRows]) {
  const bool first = s == 0 && !t.accumulate;
#pragma GCC unroll 12
  for (uint32_t i = 0; i < kRows; ++i) {
    float* c = t.c + i * t.ldc + j;
    typename V::F total = V::fma(scale, acc[i], first ? V::set1(0.0f) : V::load(c));
    if constexpr (kMins) total = V::fma(min, V::set1(t.sums[i * t.ld_sums + s]), total);
    V::store(c, total);
  }
}

// One tile of rows, straight from the packed weights: every value is taken apart once, in
// registers. Sub-blocks go one vector of columns after the other: their chains overlap.
template <typename V, typename Panel, uint32_t kRows>
void multiply_packed_tile(const BlockTile<V>& t) {
  constexpr BlockFormat kFormat = Panel::kFormat;
  constexpr uint32_t kBlockSubs = kFormat.elements / kFormat.sub_elements;
  constexpr uint32_t kGroups = kFormat.sub_elements / 2 / Panel::kGroupPairs;
  constexpr size_t kPairSize = V::kPairDot ? 1 : 2;
  constexpr size_t kBlockBytes = size_t{32} * kFormat.bytes;
  const std::byte* block = t.blocks;
  for (size_t s = 0; s < t.sub_blocks; s += kBlockSubs, block += kBlockBytes) {
    for (uint32_t sub = 0; sub < kBlockSubs; ++sub) {
      const typename V::A* a = t.a + (s + sub) * kFormat.sub_elements / 2 * kPairSize;
      constexpr size_t kSubBytes = kBlockBytes / kBlockSubs;
#pragma GCC unroll 20
      for (size_t i = 0; i < kSubBytes; i += 64) {
        __builtin_prefetch(block + sub * kSubBytes + kPrefetchBytes + i);
      }
      for (uint32_t j = 0; j < 32; j += V::kLanes) {
        typename V::F acc[kRows][1];
#pragma GCC unroll 12
        for (uint32_t i = 0; i < kRows; ++i) acc[i][0] = V::set1(0.0f);
        for (uint32_t g = 0; g < kGroups; ++g) {
          typename V::I pairs[Panel::kGroupPairs];
          Panel::pairs(block, sub * kGroups + g, j, pairs);
#pragma GCC unroll 8
          for (uint32_t k = 0; k < Panel::kGroupPairs; ++k) {
            const typename V::I b[1] = {pairs[k]};
            add_pair<V>(a + (g * Panel::kGroupPairs + k) * kPairSize, t.lda, b, acc);
          }
        }
        typename V::F sums[kRows];
#pragma GCC unroll 12
        for (uint32_t i = 0; i < kRows; ++i) sums[i] = acc[i][0];
        typename V::F min = V::set1(0.0f);
        if constexpr (kFormat.has_min) min = V::sub(min, Panel::min(block, sub, j));
        add_sub_block<V, kFormat.has_min>(t, s + sub, j, Panel::scale(block, sub, j), min, sums);
      }
    }
  }
}

// multiply_packed_tile for a number of rows known only at run time, 1 .. V::kTileRows.
template <typename V, typename Panel, uint32_t kRows = V::kTileRows>
void multiply_packed(const BlockTile<V>& t, uint32_t rows) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return multiply_packed<V, Panel, kRows - 1>(t, rows);
  }
  multiply_packed_tile<V, Panel, kRows>(t);
}

// Takes `elements` of the reduced dimension apart.
template <typename V, typename Panel>
void unpack_panel(const std::byte* block, uint32_t elements, uint32_t* pairs, float* scales,
                  float* mins) {
  constexpr BlockFormat kFormat = Panel::kFormat;
  constexpr uint32_t kBlockSubs = kFormat.elements / kFormat.sub_elements;
  constexpr uint32_t kBlockGroups = kFormat.elements / 2 / Panel::kGroupPairs;
  constexpr size_t kBlockBytes = size_t{32} * kFormat.bytes;
  for (uint32_t e = 0; e < elements; e += kFormat.elements, block += kBlockBytes) {
    for (size_t i = 0; i < kBlockBytes; i += 64) __builtin_prefetch(block + kPrefetchBytes + i);
    for (uint32_t sub = 0; sub < kBlockSubs; ++sub, scales += 32, mins += 32) {
      for (uint32_t j = 0; j < 32; j += V::kLanes) {
        V::store(scales + j, Panel::scale(block, sub, j));
        if constexpr (kFormat.has_min) {
          V::store(mins + j, V::sub(V::set1(0.0f), Panel::min(block, sub, j)));
        }
      }
    }
    for (uint32_t g = 0; g < kBlockGroups; ++g, pairs += Panel::kGroupPairs * 32) {
      for (uint32_t j = 0; j < 32; j += V::kLanes) {
        typename V::I group[Panel::kGroupPairs];
        Panel::pairs(block, g, j, group);
#pragma GCC unroll 8
        for (uint32_t k = 0; k < Panel::kGroupPairs; ++k) {
          V::store_pairs(pairs + k * 32 + j, group[k]);
        }
      }
    }
  }
}

// A tile of rows over weights that unpack_panel took apart.
template <typename V, uint32_t kPairs, bool kMins, uint32_t kRows>
void multiply_unpacked_tile(const BlockTile<V>& t) {
  constexpr uint32_t kVectors = V::tile_vectors(kRows);
  constexpr size_t kPairSize = V::kPairDot ? 1 : 2;
  for (uint32_t column = 0; column < 32; column += kVectors * V::kLanes) {
    for (size_t s = 0; s < t.sub_blocks; ++s) {
      typename V::F acc[kRows][kVectors];
#pragma GCC unroll 12
      for (uint32_t i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
        for (uint32_t v = 0; v < kVectors; ++v) acc[i][v] = V::set1(0.0f);
      }
      const typename V::A* a = t.a + s * kPairs * kPairSize;
      const uint32_t* pairs = t.pairs + s * kPairs * 32 + column;
      for (uint32_t k = 0; k < kPairs; ++k) {
        typename V::I b[kVectors];
#pragma GCC unroll 4
        for (uint32_t v = 0; v < kVectors; ++v) {
          b[v] = V::load_pairs(pairs + k * 32 + v * V::kLanes);
        }
        add_pair<V>(a + k * kPairSize, t.lda, b, acc);
      }
#pragma GCC unroll 4
      for (uint32_t v = 0; v < kVectors; ++v) {
        const uint32_t j = column + v * V::kLanes;
        typename V::F sums[kRows];
#pragma GCC unroll 12
        for (uint32_t i = 0; i < kRows; ++i) sums[i] = acc[i][v];
        typename V::F min = V::set1(0.0f);
        if constexpr (kMins) min = V::load(t.mins + s * 32 + j);
        add_sub_block<V, kMins>(t, s, j, V::load(t.scales + s * 32 + j), min, sums);
      }
    }
  }
}

// multiply_unpacked_tile for the heights that more rows than one tile are cut into.
template <typename V, uint32_t kPairs, bool kMins, uint32_t kRows = V::kTileRows>
void multiply_unpacked_rows(const BlockTile<V>& t, uint32_t rows) {
  if constexpr (kRows > V::kTileRows / 2) {
    if (rows < kRows) return multiply_unpacked_rows<V, kPairs, kMins, kRows - 1>(t, rows);
  }
  multiply_unpacked_tile<V, kPairs, kMins, kRows>(t);
}

// More rows than V::kTileRows, in tiles of nearly equal height: at least half of it.
template <typename V, uint32_t kPairs, bool kMins>
void multiply_unpacked(BlockTile<V> t, uint32_t rows) {
  for (uint32_t tiles = (rows + V::kTileRows - 1) / V::kTileRows; tiles > 0; --tiles) {
    const uint32_t height = (rows + tiles - 1) / tiles;
    multiply_unpacked_rows<V, kPairs, kMins>(t, height);
    t.a += height * t.lda;
    t.c += height * t.ldc;
    if constexpr (kMins) t.sums += height * t.ld_sums;
    rows -= height;
  }
}

}  // namespace nf::cpu
