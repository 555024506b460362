// Peaks of AVX2 with FMA: eight lanes.
#include <immintrin.h>

#include "bench/peak_loop.h"
#include "bench/peaks.h"

namespace nf::bench {
namespace {

struct MultiplyAdd {
  using Sum = __m256;
  static constexpr size_t kChains = 12;
  static constexpr int kOperations = 8 * 2;
  __m256 a = _mm256_set1_ps(0.5f);
  __m256 b = _mm256_set1_ps(0.25f);

  static Sum start(int chain) { return _mm256_set1_ps(static_cast<float>(chain)); }
  Sum step(Sum sum) const { return _mm256_fmadd_ps(a, b, sum); }
  static float reduce(Sum sum) { return _mm256_cvtss_f32(sum); }
};

// The sum is a factor, or the product would be moved out of the loop.
struct PairMultiplyAdd {
  typedef int Sum __attribute__((vector_size(32)));
  static constexpr size_t kChains = 12;
  static constexpr int kOperations = 8 * 4;
  __m256i factors = _mm256_set1_epi16(3);

  static Sum start(int chain) { return reinterpret_cast<Sum>(_mm256_set1_epi32(chain)); }
  Sum step(Sum sum) const {
    const auto pairs = reinterpret_cast<__m256i>(sum);
    return sum + reinterpret_cast<Sum>(_mm256_madd_epi16(pairs, factors));
  }
  static int reduce(Sum sum) { return sum[0] & 1; }
};

}  // namespace

PeakLoops peak_loops_avx2() {
  return {{{run_peak<MultiplyAdd>, operations<MultiplyAdd>()},
           {},
           {run_peak<PairMultiplyAdd>, operations<PairMultiplyAdd>()}}};
}

}  // namespace nf::bench
