// Takes panel blocks (block_pack.h) apart for the tile: small integers as pairs of bf16, which
// holds them exactly, and the scale and minimum of every sub-block and column as fp32.
//
// One type for each format. Where the processor has tables (AVX-512) 32 values cost 2 to 7
// instructions.
#pragma once

#include <bit>

#include "core/block_formats.h"
#include "cpu/pack.h"

namespace nf::cpu {

// How far ahead of its use a panel block is fetched, as in tile.h.
constexpr size_t kPrefetchBytes = 4096;

// bf16 of the integers from `first` on, again and again.
template <uint32_t kCount>
struct IntegerTable {
  constexpr IntegerTable(int first, uint32_t period) {
    for (uint32_t i = 0; i < kCount; ++i) {
      const auto value = static_cast<float>(first + static_cast<int>(i % period));
      values[i] = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
    }
  }
  alignas(64) uint16_t values[kCount] = {};
};

// What all formats begin with: fp16 numbers of 32 columns.
template <typename V>
struct HalfPart {
  static typename V::F load(const std::byte* part, uint32_t j) {
    return V::load_half(reinterpret_cast<const uint16_t*>(part) + j);
  }
  static constexpr size_t kBytes = kPanelColumns * sizeof(uint16_t);
};

// Every format has, for the columns from j on of a panel block:
//   scale(block, sub, j)         of a sub-block
//   min(block, sub, j)           where the format has one
//   pairs(block, group, j, out)  of a group of kGroupPairs pairs; a sub-block is 1 or 4 groups

// The pairs of formats with 4 bits: words of 4 pairs.
template <typename V, int kFirst>
struct Nibbles {
  using I = typename V::I;
  static constexpr IntegerTable<32> kTable{kFirst, 16};

  static void pairs(const std::byte* words, uint32_t group, uint32_t j, I (&out)[4]) {
    const I word =
        V::load_pairs(reinterpret_cast<const uint32_t*>(words) + group * kPanelColumns + j);
    out[0] = pair<0>(word);
    out[1] = pair<4>(word);
    out[2] = pair<8>(word);
    out[3] = pair<12>(word);
  }

 private:
  template <int kShift>
  static I pair(I word) {
    if constexpr (V::kLookup) {
      return V::template lookup<kShift>(word, kTable.values);
    } else {
      const typename V::F first = V::set1(kFirst);
      return V::join_pairs(V::add(V::to_floats(V::template bits<kShift, 15>(word)), first),
                           V::add(V::to_floats(V::template bits<kShift + 16, 15>(word)), first));
    }
  }
};

template <typename V>
struct Q8_0Panel {
  using F = typename V::F;
  using I = typename V::I;
  static constexpr BlockFormat kFormat = block_format(DType::kQ8_0);
  static constexpr uint32_t kGroupPairs = 4;

  static F scale(const std::byte* block, uint32_t, uint32_t j) {
    return HalfPart<V>::load(block, j);
  }
  static void pairs(const std::byte* block, uint32_t group, uint32_t j, I (&out)[4]) {
    const auto* values = reinterpret_cast<const int8_t*>(block + HalfPart<V>::kBytes) +
                         group * 8 * kPanelColumns + j;
#pragma GCC unroll 4
    for (uint32_t k = 0; k < 4; ++k, values += 2 * kPanelColumns) {
      out[k] = V::join_pairs(V::to_floats(V::load_int8(values)),
                             V::to_floats(V::load_int8(values + kPanelColumns)));
    }
  }
};

template <typename V>
struct Q4_0Panel {
  using F = typename V::F;
  using I = typename V::I;
  static constexpr BlockFormat kFormat = block_format(DType::kQ4_0);
  static constexpr uint32_t kGroupPairs = 4;

  static F scale(const std::byte* block, uint32_t, uint32_t j) {
    return HalfPart<V>::load(block, j);
  }
  static void pairs(const std::byte* block, uint32_t group, uint32_t j, I (&out)[4]) {
    Nibbles<V, -8>::pairs(block + HalfPart<V>::kBytes, group, j, out);
  }
};

template <typename V>
struct Q4_KPanel {
  using F = typename V::F;
  using I = typename V::I;
  static constexpr BlockFormat kFormat = block_format(DType::kQ4_K);
  static constexpr uint32_t kGroupPairs = 4;

  static F scale(const std::byte* block, uint32_t sub, uint32_t j) {
    const std::byte* high = block + kHigh + sub / 2 * kPanelColumns + j;
    const std::byte* low = block + kLow + sub * kPanelColumns + j;
    const F six = six_bits(
        V::template bits<0, 15>(load(low)),
        sub % 2 == 0 ? V::template bits<0, 3>(load(high)) : V::template bits<4, 3>(load(high)));
    return V::mul(HalfPart<V>::load(block, j), six);
  }
  static F min(const std::byte* block, uint32_t sub, uint32_t j) {
    const std::byte* high = block + kHigh + sub / 2 * kPanelColumns + j;
    const std::byte* low = block + kLow + sub * kPanelColumns + j;
    const F six = six_bits(
        V::template bits<4, 15>(load(low)),
        sub % 2 == 0 ? V::template bits<2, 3>(load(high)) : V::template bits<6, 3>(load(high)));
    return V::mul(HalfPart<V>::load(block + HalfPart<V>::kBytes, j), six);
  }
  static void pairs(const std::byte* block, uint32_t group, uint32_t j, I (&out)[4]) {
    Nibbles<V, 0>::pairs(block + kWords, group, j, out);
  }

 private:
  static constexpr size_t kLow = 2 * HalfPart<V>::kBytes;
  static constexpr size_t kHigh = kLow + 8 * kPanelColumns;
  static constexpr size_t kWords = kHigh + 4 * kPanelColumns;

  static I load(const std::byte* bytes) {
    return V::load_int8(reinterpret_cast<const int8_t*>(bytes));
  }
  static F six_bits(I low, I high) {
    return V::add(V::to_floats(low), V::mul(V::to_floats(high), V::set1(16)));
  }
};

template <typename V>
struct Q6_KPanel {
  using F = typename V::F;
  using I = typename V::I;
  static constexpr BlockFormat kFormat = block_format(DType::kQ6_K);
  static constexpr uint32_t kGroupPairs = 8;

  static F scale(const std::byte* block, uint32_t sub, uint32_t j) {
    const auto* integers = reinterpret_cast<const int8_t*>(block + kIntegers);
    return V::mul(HalfPart<V>::load(block, j),
                  V::to_floats(V::load_int8(integers + sub * kPanelColumns + j)));
  }
  static void pairs(const std::byte* block, uint32_t group, uint32_t j, I (&out)[8]) {
    const auto* words =
        reinterpret_cast<const uint32_t*>(block + kLow) + 2 * group * kPanelColumns + j;
    const I first = V::load_pairs(words);
    const I second = V::load_pairs(words + kPanelColumns);
    const I high =
        V::load_pairs(reinterpret_cast<const uint32_t*>(block + kHigh) + group * kPanelColumns + j);
    out[0] = pair<0, 0>(first, high);
    out[1] = pair<4, 2>(first, high);
    out[2] = pair<8, 4>(first, high);
    out[3] = pair<12, 6>(first, high);
    out[4] = pair<0, 8>(second, high);
    out[5] = pair<4, 10>(second, high);
    out[6] = pair<8, 12>(second, high);
    out[7] = pair<12, 14>(second, high);
  }

 private:
  static constexpr IntegerTable<64> kTable{-32, 64};
  static constexpr size_t kIntegers = HalfPart<V>::kBytes;
  static constexpr size_t kLow = kIntegers + 16 * kPanelColumns;
  static constexpr size_t kHigh = kLow + 32 * kPanelColumns * sizeof(uint32_t);

  template <int kLowShift, int kHighShift>
  static I pair(I low, I high) {
    if constexpr (V::kLookup) {
      return V::template lookup<kLowShift, kHighShift>(low, high, kTable.values);
    } else {
      return V::join_pairs(value<kLowShift, kHighShift>(low, high),
                           value<kLowShift + 16, kHighShift + 16>(low, high));
    }
  }

  template <int kLowShift, int kHighShift>
  static F value(I low, I high) {
    const F below = V::to_floats(V::template bits<kLowShift, 15>(low));
    const F above = V::to_floats(V::template bits<kHighShift, 3>(high));
    return V::add(V::add(below, V::mul(above, V::set1(16))), V::set1(-32));
  }
};

}  // namespace nf::cpu
