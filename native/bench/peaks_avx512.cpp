// Peaks of AVX-512 F and BW: sixteen lanes.
#include <immintrin.h>

#include "bench/peak_loop.h"
#include "bench/peaks.h"

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

// The sum is a factor, or the product would be moved out of the loop.
struct PairMultiplyAdd {
  typedef int Sum __attribute__((vector_size(64)));
  static constexpr size_t kChains = 24;
  static constexpr int kOperations = 16 * 4;
  __m512i factors = _mm512_set1_epi16(3);

  static Sum start(int chain) { return reinterpret_cast<Sum>(_mm512_set1_epi32(chain)); }
  Sum step(Sum sum) const {
    const auto pairs = reinterpret_cast<__m512i>(sum);
    return sum + reinterpret_cast<Sum>(_mm512_madd_epi16(pairs, factors));
  }
  static int reduce(Sum sum) { return sum[0] & 1; }
};

}  // namespace

PeakLoops peak_loops_avx512() {
  return {{{run_peak<MultiplyAdd>, operations<MultiplyAdd>()},
           {},
           {run_peak<PairMultiplyAdd>, operations<PairMultiplyAdd>()}}};
}

}  // namespace nf::bench
