// The vector types of the AVX-512 kernels: sixteen floats. See vec_scalar.h for what functions
// mean.
//
// Avx512Ops holds what both share; it is a template so that the two never share a symbol.
#pragma once

// g++ 12 takes the undefined operand inside _mm512_max_ps and others for a use of a variable that
// was never set (GCC bug 105593). The warnings are off for the files that include this one.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include <cstdint>

namespace nf::cpu {

template <typename Tag>
struct Avx512Ops {
  static constexpr uint32_t kLanes = 16;

  // 32 registers: 24 accumulators, 2 vectors of weights, broadcasts.
  static constexpr uint32_t kTileRows = 12;
  static constexpr uint32_t tile_vectors(uint32_t) { return 2; }

  using F = __m512;
  using I = __m512i;

  static F set1(float x) { return _mm512_set1_ps(x); }
  static F load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
  static F load_part(const float* p, uint32_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store_part(float* p, F x, uint32_t n) { _mm512_mask_storeu_ps(p, first(n), x); }

  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F zero_below(F y, F x, F limit) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, limit, _CMP_NLT_UQ), y);
  }
  static F scale(F y, F shifted) {
    const I n = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(y), n));
  }

  static float sum(F x) { return _mm512_reduce_add_ps(x); }
  static float largest(F x) { return _mm512_reduce_max_ps(x); }

  static I load_pairs(const uint32_t* p) { return _mm512_loadu_si512(p); }
  static F even(I pairs) { return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)); }
  static F odd(I pairs) {
    return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(-65536)));
  }

  static void store_pairs(uint32_t* p, I x) { _mm512_storeu_si512(p, x); }
  static I join_pairs(F even, F odd) {
    return _mm512_or_si512(_mm512_srli_epi32(_mm512_castps_si512(even), 16),
                           _mm512_castps_si512(odd));
  }

  static I load_int8(const int8_t* p) {
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  template <int kShift, uint32_t kMask>
  static I bits(I x) {
    return _mm512_and_si512(_mm512_srli_epi32(x, kShift), _mm512_set1_epi32(int(kMask)));
  }
  static F to_floats(I x) { return _mm512_cvtepi32_ps(x); }
  static F load_half(const uint16_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }

  // Pairs whose halves are entries of a table of 64 bf16: entry 4 low bits of (low >> kLow) with
  // the 2 low bits of (high >> kHigh) above them, in every 16 bits. The bits behind are ignored.
  static constexpr bool kLookup = true;
  template <int kLow, int kHigh>
  static I lookup(I low, I high, const uint16_t* table) {
    const I above = kHigh < 4 ? _mm512_slli_epi16(high, kHigh < 4 ? 4 - kHigh : 0)
                              : _mm512_srli_epi16(high, kHigh < 4 ? 0 : kHigh - 4);
    constexpr int kSelect = 0xd8;  // c ? b : a, by bit
    const I index = _mm512_ternarylogic_epi32(above, _mm512_srli_epi16(low, kLow),
                                              _mm512_set1_epi16(15), kSelect);
    return _mm512_permutex2var_epi16(_mm512_loadu_si512(table), index,
                                     _mm512_loadu_si512(table + 32));
  }
  // The same with a table of 32 for 4 bits: the second half repeats the first.
  template <int kLow>
  static I lookup(I low, const uint16_t* table) {
    return _mm512_permutexvar_epi16(_mm512_srli_epi16(low, kLow), _mm512_loadu_si512(table));
  }

  static I set1_pair(uint32_t pair) { return _mm512_set1_epi32(static_cast<int>(pair)); }
  static I even_bytes(I x) { return _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8); }
  static I odd_bytes(I x) { return _mm512_srai_epi16(x, 8); }
  static I dot_shorts(I acc, I a, I b) { return _mm512_add_epi32(acc, _mm512_madd_epi16(a, b)); }
  static I sub_words(I a, I b) { return _mm512_sub_epi32(a, b); }

  static F load_bf16(const uint16_t* p) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return even(_mm512_cvtepu16_epi32(x));
  }
  static void store_bf16(uint16_t* p, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), to_bf16(x));
  }
  static void store_bf16_part(uint16_t* p, F x, uint32_t n) {
    _mm256_mask_storeu_epi16(p, first(n), to_bf16(x));
  }

 protected:
  static __mmask16 first(uint32_t n) { return static_cast<__mmask16>((1u << n) - 1u); }

 private:
  // To nearest, ties to even; a NaN stays a NaN.
  static __m256i to_bf16(F x) {
    const I bits = _mm512_castps_si512(x);
    const I top = _mm512_srli_epi32(bits, 16);
    const I tie = _mm512_and_si512(top, _mm512_set1_epi32(1));
    const I bias = _mm512_add_epi32(tie, _mm512_set1_epi32(0x7fff));
    const I rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, bias), 16);
    const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_mask_or_epi32(rounded, nan, top, _mm512_set1_epi32(0x40)));
  }
};

struct Avx512 : Avx512Ops<Avx512> {
  static constexpr bool kPairDot = false;
  static constexpr bool kByteDot = false;
  using A = float;
};

#if defined(__AVX512BF16__)
struct Avx512Bf16 : Avx512Ops<Avx512Bf16> {
  static constexpr bool kPairDot = true;
  using A = uint32_t;  // a pair of bf16

  static void store_bf16(uint16_t* p, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), to_bf16(x));
  }
  static void store_bf16_part(uint16_t* p, F x, uint32_t n) {
    _mm256_mask_storeu_epi16(p, first(n), to_bf16(x));
  }
  // acc + a.odd * b.odd + a.even * b.even, as the processor rounds it.
  static F dot(F acc, I a, I b) {
    return _mm512_dpbf16_ps(acc, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
  static constexpr bool kByteDot = true;
  static I dot_bytes(I acc, I a, I b) { return _mm512_dpbusd_epi32(acc, a, b); }

 private:
  // One instruction for what Avx512Ops does in seven; it takes subnormals for 0.
  static __m256i to_bf16(F x) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)); }
};

// For what a kernel of Avx512Bf16 has to round as the row kernels do, which are those of Avx512.
struct Avx512Bf16Rows : Avx512Ops<Avx512Bf16Rows> {};
#endif

}  // namespace nf::cpu
