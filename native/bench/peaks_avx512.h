// The fp32 peak of both files of AVX-512. Each has its own copy: they are compiled with other
// flags.
#pragma once

#include <immintrin.h>

#include <cstddef>

namespace nf::bench {
namespace {

struct MultiplyAdd {
  using Sum = __m512;
  static constexpr size_t kChains = 24;
  static constexpr int kOperations = 16 * 2;
  __m512 a = _mm512_set1_ps(0.5f);
  __m512 b = _mm512_set1_ps(0.25f);

  static Sum start(int chain) { return _mm512_set1_ps(static_cast<float>(chain)); }
  Sum step(Sum sum) const { return _mm512_fmadd_ps(a, b, sum); }
  static float reduce(Sum sum) { return _mm512_cvtss_f32(sum); }
};

}  // namespace
}  // namespace nf::bench
