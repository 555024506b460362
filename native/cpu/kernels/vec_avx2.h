// The vector type of the AVX2 kernels: eight floats. See vec_scalar.h for what functions mean.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace nf::cpu {

struct Avx2 {
  static constexpr uint32_t kLanes = 8;
  static constexpr bool kPairDot = false;
  using A = float;

  // 16 registers: 12 accumulators, 2 vectors of weights, 1 broadcast.
  static constexpr uint32_t kTileRows = 6;
  static constexpr uint32_t tile_vectors(uint32_t rows) { return rows <= 3 ? 4 : 2; }

  using F = __m256;
  using I = __m256i;

  static F set1(float x) { return _mm256_set1_ps(x); }
  static F load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
  static F load_part(const float* p, uint32_t n) {
    return n == kLanes ? load(p) : _mm256_maskload_ps(p, first(n));
  }
  static void store_part(float* p, F x, uint32_t n) {
    if (n == kLanes) return store(p, x);
    _mm256_maskstore_ps(p, first(n), x);
  }

  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static F min(F a, F b) { return _mm256_min_ps(a, b); }
  static F zero_below(F y, F x, F limit) {
    return _mm256_andnot_ps(_mm256_cmp_ps(x, limit, _CMP_LT_OQ), y);
  }
  static F scale(F y, F shifted) {
    const I n = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(y), n));
  }

  static float sum(F x) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
  }
  static float largest(F x) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
  }

  static I load_pairs(const uint32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static F even(I pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)); }
  static F odd(I pairs) {
    return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-65536)));
  }

  static void store_pairs(uint32_t* p, I x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x);
  }
  static I join_pairs(F even, F odd) {
    return _mm256_or_si256(_mm256_srli_epi32(_mm256_castps_si256(even), 16),
                           _mm256_castps_si256(odd));
  }

  static I load_int8(const int8_t* p) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  template <int kShift, uint32_t kMask>
  static I bits(I x) {
    return _mm256_and_si256(_mm256_srli_epi32(x, kShift), _mm256_set1_epi32(int(kMask)));
  }
  static F to_floats(I x) { return _mm256_cvtepi32_ps(x); }
  static F load_half(const uint16_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static constexpr bool kLookup = false;

  static constexpr bool kByteDot = false;
  static I set1_pair(uint32_t pair) { return _mm256_set1_epi32(static_cast<int>(pair)); }
  static I even_bytes(I x) { return _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8); }
  static I odd_bytes(I x) { return _mm256_srai_epi16(x, 8); }
  static I dot_shorts(I acc, I a, I b) { return _mm256_add_epi32(acc, _mm256_madd_epi16(a, b)); }
  static I sub_words(I a, I b) { return _mm256_sub_epi32(a, b); }

  static F load_bf16(const uint16_t* p) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return even(_mm256_cvtepu16_epi32(x));
  }
  static void store_bf16(uint16_t* p, F x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), to_bf16(x));
  }
  static void store_bf16_part(uint16_t* p, F x, uint32_t n) {
    if (n == kLanes) return store_bf16(p, x);
    uint16_t lanes[kLanes];
    store_bf16(lanes, x);
    std::memcpy(p, lanes, n * sizeof(uint16_t));
  }

 private:
  static I first(uint32_t n) {
    const I lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
  }
  // To nearest, ties to even; a NaN stays a NaN.
  static __m128i to_bf16(F x) {
    const I bits = _mm256_castps_si256(x);
    const I top = _mm256_srli_epi32(bits, 16);
    const I tie = _mm256_and_si256(top, _mm256_set1_epi32(1));
    const I bias = _mm256_add_epi32(tie, _mm256_set1_epi32(0x7fff));
    const I rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, bias), 16);
    const I nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    const I quiet = _mm256_or_si256(top, _mm256_set1_epi32(0x40));
    const I result = _mm256_blendv_epi8(rounded, quiet, nan);
    return _mm_packus_epi32(_mm256_castsi256_si128(result), _mm256_extracti128_si256(result, 1));
  }
};

}  // namespace nf::cpu
