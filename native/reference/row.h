// The arithmetic of one row that reference kernels share.
#pragma once

#include <cmath>
#include <cstddef>

#include "core/int8.h"

namespace nf::reference {

inline double dot(const float* a, const float* b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    sum += double{a[i]} * double{b[i]};
  }
  return sum;
}

// cap * tanh(x / cap), or x without a cap.
inline double soft_cap(double x, float cap) {
  return cap > 0 ? double{cap} * std::tanh(x / double{cap}) : x;
}

// out = x / rms(x) * weight. in and out may be the same.
struct Norm {
  const float* weight;
  float epsilon;

  void operator()(const float* x, float* out, size_t size) const {
    each(x, size, [out](size_t i, float value) { out[i] = value; });
  }

  // Calls fn(i, element i of the result).
  template <typename Fn>
  void each(const float* x, size_t size, Fn&& fn) const {
    const double mean_square = dot(x, x, size) / double(size);
    const auto scale = float(1.0 / std::sqrt(mean_square + double{epsilon}));
    for (size_t i = 0; i < size; ++i) {
      fn(i, x[i] * scale * weight[i]);
    }
  }
};

// How a row is rounded to int8.
inline Int8Scale int8_scale_of(const float* x, size_t size) {
  float largest = 0;
  for (size_t i = 0; i < size && !std::isnan(largest); ++i) {
    if (!(std::abs(x[i]) <= largest)) largest = std::abs(x[i]);
  }
  return int8_scale(largest);
}

inline int8_t round_to_int8(float x, Int8Scale scale) {
  return scale.is_regular() ? to_int8(x, scale.inverse) : int8_t{0};
}

inline double silu(double x) { return x / (1.0 + std::exp(-x)); }

// By the tanh formula, not the error function: models are trained with one or the other.
inline double gelu(double x) {
  constexpr double kSqrt2OverPi = 0.7978845608028654;
  return 0.5 * x * (1.0 + std::tanh(kSqrt2OverPi * (x + 0.044715 * x * x * x)));
}

}  // namespace nf::reference
