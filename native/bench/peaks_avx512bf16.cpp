// Peaks of AVX-512 with BF16 and VNNI: sixteen lanes, each of two bf16 or four int8.
#include "bench/peak_loop.h"
#include "bench/peaks.h"
#include "bench/peaks_avx512.h"

namespace nf::bench {
namespace {

struct PairDot {
  using Sum = __m512;
  static constexpr size_t kChains = 24;
  static constexpr int kOperations = 16 * 4;
  __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.5f));
  __m512bh b = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.25f), _mm512_set1_ps(0.25f));

  static Sum start(int chain) { return _mm512_set1_ps(static_cast<float>(chain)); }
  Sum step(Sum sum) const { return _mm512_dpbf16_ps(sum, a, b); }
  static float reduce(Sum sum) { return _mm512_cvtss_f32(sum); }
};

struct ByteDot {
  typedef int Sum __attribute__((vector_size(64)));
  static constexpr size_t kChains = 24;
  static constexpr int kOperations = 16 * 8;
  __m512i a = _mm512_set1_epi8(3);
  __m512i b = _mm512_set1_epi8(-5);

  static Sum start(int chain) { return reinterpret_cast<Sum>(_mm512_set1_epi32(chain)); }
  Sum step(Sum sum) const {
    return reinterpret_cast<Sum>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sum), a, b));
  }
  static int reduce(Sum sum) { return sum[0] & 1; }
};

}  // namespace

PeakLoops peak_loops_avx512bf16() {
  return {{{run_peak<MultiplyAdd>, operations<MultiplyAdd>()},
           {run_peak<PairDot>, operations<PairDot>()},
           {run_peak<ByteDot>, operations<ByteDot>()}}};
}

}  // namespace nf::bench
