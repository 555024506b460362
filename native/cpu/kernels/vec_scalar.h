// The vector type of the portable kernels: four floats in the compiler's own vector notation, which
// it lowers to whatever every machine of the target has.
//
// The types of vec_*.h offer the same static functions; kernels are templates over them. All of a
// kernel's inline code must be reachable only through these types (see kernels.h).
#pragma once

#include <cstdint>
#include <cstring>

#include "core/tensor.h"

namespace nf::cpu {

struct Scalar {
  static constexpr uint32_t kLanes = 4;
  // Whether pairs of bf16 are multiplied directly. Otherwise GEMM inputs are widened to fp32.
  static constexpr bool kPairDot = false;
  using A = float;  // an element of a widened GEMM input

  // Register tile of a GEMM: up to kTileRows rows of tile_vectors(rows) vectors.
  static constexpr uint32_t kTileRows = 4;
  static constexpr uint32_t tile_vectors(uint32_t) { return 2; }

  typedef float F __attribute__((vector_size(16)));
  typedef uint32_t I __attribute__((vector_size(16)));
  typedef int32_t Signed __attribute__((vector_size(16)));
  typedef int16_t Shorts __attribute__((vector_size(16)));

  static F set1(float x) { return F{x, x, x, x}; }
  static F load(const float* p) {
    F x;
    std::memcpy(&x, p, 16);
    return x;
  }
  static void store(float* p, F x) { std::memcpy(p, &x, 16); }
  static F load_part(const float* p, uint32_t n) {  // the first n lanes; the others are 0
    if (n == kLanes) return load(p);
    float lanes[kLanes] = {};
    for (uint32_t i = 0; i < n; ++i) lanes[i] = p[i];
    return load(lanes);
  }
  static void store_part(float* p, F x, uint32_t n) {
    if (n == kLanes) return store(p, x);
    float lanes[kLanes];
    store(lanes, x);
    for (uint32_t i = 0; i < n; ++i) p[i] = lanes[i];
  }

  static F add(F a, F b) { return a + b; }
  static F sub(F a, F b) { return a - b; }
  static F mul(F a, F b) { return a * b; }
  static F div(F a, F b) { return a / b; }
  static F fma(F a, F b, F c) { return a * b + c; }  // rounds twice: a class of its own
  static F max(F a, F b) { return a > b ? a : b; }   // b where either is a NaN
  static F min(F a, F b) { return a < b ? a : b; }   // b where either is a NaN
  // y, or 0 where x < limit.
  static F zero_below(F y, F x, F limit) {
    return reinterpret_cast<F>(reinterpret_cast<I>(y) & ~reinterpret_cast<I>(x < limit));
  }
  // y * 2^n, with n in the low bits of the representation of `shifted`.
  static F scale(F y, F shifted) {
    return reinterpret_cast<F>(reinterpret_cast<I>(y) + (reinterpret_cast<I>(shifted) << 23));
  }

  // Over the lanes, in a fixed order.
  static float sum(F x) { return (x[0] + x[2]) + (x[1] + x[3]); }
  static float largest(F x) {
    const F half = max(x, F{x[2], x[3], x[2], x[3]});
    return half[0] > half[1] ? half[0] : half[1];
  }

  static I load_pairs(const uint32_t* p) {
    I x;
    std::memcpy(&x, p, 16);
    return x;
  }
  static F even(I pairs) { return reinterpret_cast<F>(pairs << 16); }
  static F odd(I pairs) { return reinterpret_cast<F>(pairs & 0xffff0000u); }

  static void store_pairs(uint32_t* p, I x) { std::memcpy(p, &x, 16); }
  // Of floats that bf16 holds: the pairs whose even() and odd() they are.
  static I join_pairs(F even, F odd) {
    return reinterpret_cast<I>(even) >> 16 | reinterpret_cast<I>(odd);
  }

  // Integers, for weights in block formats: sign extended, and any of which 24 bits are used.
  static I load_int8(const int8_t* p) {
    return reinterpret_cast<I>(Signed{p[0], p[1], p[2], p[3]});
  }
  template <int kShift, uint32_t kMask>
  static I bits(I x) {  // (x >> kShift) & kMask
    return x >> kShift & kMask;
  }
  static F to_floats(I x) { return __builtin_convertvector(reinterpret_cast<Signed>(x), F); }
  static F load_half(const uint16_t* p) {
    return F{half_to_float(p[0]), half_to_float(p[1]), half_to_float(p[2]), half_to_float(p[3])};
  }
  // Bytes of int8 GEMMs (int8_tile.h): those with even or with odd index as signed 16 bits, and
  // acc + the products of such numbers, summed in 32 bits. kByteDot: unsigned bytes times signed
  // ones are summed directly.
  static constexpr bool kByteDot = false;
  static I set1_pair(uint32_t pair) { return I{pair, pair, pair, pair}; }
  static I even_bytes(I x) { return reinterpret_cast<I>(reinterpret_cast<Shorts>(x) << 8 >> 8); }
  static I odd_bytes(I x) { return reinterpret_cast<I>(reinterpret_cast<Shorts>(x) >> 8); }
  static I dot_shorts(I acc, I a, I b) {
    // Low words of products are the same for signed and for unsigned factors.
    const I low = reinterpret_cast<I>(reinterpret_cast<Signed>(b << 16) >> 16);
    const I high = reinterpret_cast<I>(reinterpret_cast<Signed>(b) >> 16);
    return acc + (a & 0xffffu) * low + (a >> 16) * high;
  }
  static I sub_words(I a, I b) { return a - b; }

  // Whether small tables turn 4 or 6 bits into bf16 (see Avx512Ops).
  static constexpr bool kLookup = false;

  static F load_bf16(const uint16_t* p) {
    const I x = {p[0], p[1], p[2], p[3]};
    return reinterpret_cast<F>(x << 16);
  }
  static void store_bf16_part(uint16_t* p, F x, uint32_t n) {
    if (n == kLanes) return store_bf16(p, x);
    uint16_t lanes[kLanes];
    store_bf16(lanes, x);
    std::memcpy(p, lanes, n * sizeof(uint16_t));
  }
  // To nearest, ties to even; a NaN stays a NaN.
  static void store_bf16(uint16_t* p, F x) {
    const I bits = reinterpret_cast<I>(x);
    const I rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const I result = x != x ? (bits >> 16) | 0x40u : rounded;
    uint32_t lanes[kLanes];
    std::memcpy(lanes, &result, sizeof(lanes));
    for (uint32_t i = 0; i < kLanes; ++i) p[i] = static_cast<uint16_t>(lanes[i]);
  }
};

}  // namespace nf::cpu
