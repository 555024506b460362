// exp, tanh and a sum of squares over any vector type.
//
// The steps are the same for every type; where a type has no fused multiply-add (vec_scalar.h) they
// round differently, so an instruction set is a numeric class of its own.
#pragma once

#include <cstdint>

namespace nf::cpu {

constexpr float kExpLow = -86.0f;

// e^x = 2^n * (1 + p), for x cut to [kExpLow, 88].
template <typename V>
struct ExpParts {
  typename V::F shifted;  // n in the low bits
  typename V::F p;
};

// n = round(x / ln 2), and 1 + p = e^r with r in [-0.347, 0.347]: p = r + r^2 q(r), where q
// interpolates at Chebyshev nodes (relative error of e^r 1.1e-8).
template <typename V>
ExpParts<V> exp_parts(typename V::F x) {
  using F = typename V::F;
  const F shift = V::set1(12582912.0f);  // 1.5 * 2^23: adding it leaves n in the low bits
  const F clamped = V::min(V::set1(88.0f), V::max(V::set1(kExpLow), x));
  const F shifted = V::fma(clamped, V::set1(1.44269504f), shift);
  const F n = V::sub(shifted, shift);
  F r = V::fma(n, V::set1(-0.693359375f), clamped);  // ln 2 in two parts: n * the first is exact
  r = V::fma(n, V::set1(2.12194440e-4f), r);
  F q = V::set1(0.00139262504f);
  q = V::fma(q, r, V::set1(0.00836323295f));
  q = V::fma(q, r, V::set1(0.0416665524f));
  q = V::fma(q, r, V::set1(0.166665763f));
  q = V::fma(q, r, V::set1(0.5f));
  return {shifted, V::fma(V::mul(r, r), q, r)};
}

// e^x, at most 2 ulp off for x in [-86, 88]; exactly 1 at 0, exactly 0 below -86, e^88 above 88.
// A NaN stays a NaN.
template <typename V>
typename V::F exp(typename V::F x) {
  const ExpParts<V> parts = exp_parts<V>(x);
  const typename V::F e = V::add(parts.p, V::set1(1.0f));
  return V::zero_below(V::scale(e, parts.shifted), x, V::set1(kExpLow));
}

// At most 4 ulp off, exactly 0 at 0, and within [-1, 1]. A NaN stays a NaN.
//
// tanh x = z / (z + 2) with z = e^2x - 1 = 2^n * p + (2^n - 1), which loses nothing near 0.
template <typename V>
typename V::F tanh(typename V::F x) {
  using F = typename V::F;
  const F one = V::set1(1.0f);
  const ExpParts<V> parts = exp_parts<V>(V::add(x, x));
  const F power = V::scale(one, parts.shifted);
  const F z = V::fma(power, parts.p, V::sub(power, one));
  return V::div(z, V::add(z, V::set1(2.0f)));
}

// cap * tanh(x / cap): nearly x far below the cap, never beyond it.
template <typename V>
typename V::F soft_cap(typename V::F x, float cap) {
  const typename V::F limit = V::set1(cap);
  return V::mul(limit, tanh<V>(V::div(x, limit)));
}

// Of x [size], in an order that depends on size only.
template <typename V>
float sum_of_squares(const float* x, uint32_t size) {
  using F = typename V::F;
  F sums[4] = {V::set1(0), V::set1(0), V::set1(0), V::set1(0)};
  uint32_t i = 0;
  for (; i + 4 * V::kLanes <= size; i += 4 * V::kLanes) {
    for (uint32_t j = 0; j < 4; ++j) {
      const F v = V::load(x + i + j * V::kLanes);
      sums[j] = V::fma(v, v, sums[j]);
    }
  }
  for (; i < size; i += V::kLanes) {
    const F v = V::load_part(x + i, size - i < V::kLanes ? size - i : V::kLanes);
    sums[0] = V::fma(v, v, sums[0]);
  }
  return V::sum(V::add(V::add(sums[0], sums[1]), V::add(sums[2], sums[3])));
}

}  // namespace nf::cpu
