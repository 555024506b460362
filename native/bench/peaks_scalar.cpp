// Peaks of plain x86-64: four lanes of SSE2, without fused multiply-adds.
#include <immintrin.h>

#include "bench/peak_loop.h"
#include "bench/peaks.h"

namespace nf::bench {
namespace {

// The sum is a factor, or the product would be moved out of the loop. It converges to 2.
struct MultiplyAdd {
  using Sum = __m128;
  static constexpr size_t kChains = 12;
  static constexpr int kOperations = 4 * 2;
  __m128 factor = _mm_set1_ps(0.5f);
  __m128 one = _mm_set1_ps(1.0f);

  static Sum start(int chain) { return _mm_set1_ps(static_cast<float>(chain)); }
  Sum step(Sum sum) const { return _mm_add_ps(_mm_mul_ps(sum, factor), one); }
  static float reduce(Sum sum) { return _mm_cvtss_f32(sum); }
};

struct PairMultiplyAdd {
  typedef int Sum __attribute__((vector_size(16)));
  static constexpr size_t kChains = 12;
  static constexpr int kOperations = 4 * 4;
  __m128i factors = _mm_set1_epi16(3);

  static Sum start(int chain) { return reinterpret_cast<Sum>(_mm_set1_epi32(chain)); }
  Sum step(Sum sum) const {
    const auto pairs = reinterpret_cast<__m128i>(sum);
    return sum + reinterpret_cast<Sum>(_mm_madd_epi16(pairs, factors));
  }
  static int reduce(Sum sum) { return sum[0] & 1; }
};

}  // namespace

PeakLoops peak_loops_scalar() {
  return {{{run_peak<MultiplyAdd>, operations<MultiplyAdd>()},
           {},
           {run_peak<PairMultiplyAdd>, operations<PairMultiplyAdd>()}}};
}

}  // namespace nf::bench
