// Peaks of AVX-512 F and BW: sixteen lanes.
#include "bench/peaks_avx512.h"

#include "bench/peak_loop.h"
#include "bench/peaks.h"

namespace nf::bench {
namespace {

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
