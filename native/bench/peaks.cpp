#include "bench/peaks.h"

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "core/event.h"
#include "core/executor.h"

namespace nf::bench {
namespace {

// About 3 ms of the widest multiply-adds: long against the time that workers take to meet.
constexpr uint64_t kIterations = uint64_t{1} << 20;
constexpr size_t kReadBytes = size_t{64} << 20;  // as long
constexpr int kSpins = 1000;

// Calls work(worker) on every worker of the lane at the same time. Returns the nanoseconds from the
// first beginning to the last end. A worker that waits for the others cannot take a second task, so
// each gets one.
template <typename Work>
int64_t time_together(Lane& lane, Work work) {
  const uint32_t units = lane.units();
  std::atomic<uint32_t> arrived{0};
  std::vector<int64_t> begin(units);
  std::vector<int64_t> end(units);
  lane.for_each(units, [&](uint32_t task, uint32_t) {
    arrived.fetch_add(1);
    for (int spin = 0; arrived.load() < units; ++spin) {
      spin < kSpins ? cpu_relax() : std::this_thread::yield();
    }
    begin[task] = now_ns();
    work(task);
    end[task] = now_ns();
  });
  return *std::max_element(end.begin(), end.end()) - *std::min_element(begin.begin(), begin.end());
}

// The least time of time_once(), which returns nanoseconds.
template <typename TimeOnce>
double least_seconds(Effort effort, TimeOnce time_once) {
  time_once();
  int64_t least = INT64_MAX;
  const int64_t until = now_ns() + static_cast<int64_t>(effort.minimum_ns);
  for (uint32_t run = 0; run < effort.minimum_count || now_ns() < until; ++run) {
    least = std::min(least, std::max<int64_t>(time_once(), 1));
  }
  return static_cast<double>(least) * 1e-9;
}

// In vectors that every machine has: the speed is limited by the lines on their way, and not by the
// width of a load. Lines are fetched as far ahead as GEMMs do (cpu/kernels/tile.h).
void read_all(const std::byte* data, size_t bytes) {
  constexpr size_t kLine = 64;
  constexpr size_t kAhead = 3072;
  __m128i sums[4] = {};
  for (size_t i = 0; i + kLine <= bytes; i += kLine) {
    const auto* words = reinterpret_cast<const __m128i*>(data + i);
    __builtin_prefetch(data + i + kAhead);
    for (size_t k = 0; k < 4; ++k) sums[k] = _mm_or_si128(sums[k], _mm_loadu_si128(words + k));
  }
  volatile int sink = 0;
  for (const __m128i sum : sums) sink = sink | _mm_cvtsi128_si32(sum);
}

// Every worker reads a part of the data in a run. Runs are short, or on a machine with other work
// there would be none without an interruption, and go round in the data.
double best_read_speed(Lane& lane, std::span<const std::byte> data, Effort effort) {
  const uint32_t units = lane.units();
  const size_t part = std::min(kReadBytes, data.size() / units / 64 * 64);
  const size_t runs = data.size() / (part * units);
  size_t run = 0;
  const double seconds = least_seconds(effort, [&] {
    const std::byte* begin = data.data() + run++ % runs * part * units;
    return time_together(lane, [&](uint32_t worker) { read_all(begin + worker * part, part); });
  });
  return static_cast<double>(part * units) / seconds;
}

}  // namespace

PeakLoops peak_loops(cpu::Isa isa) {
  switch (isa) {
    case cpu::Isa::kAvx2:
      return peak_loops_avx2();
    case cpu::Isa::kAvx512:
      return peak_loops_avx512();
    case cpu::Isa::kAvx512Bf16:
      return peak_loops_avx512bf16();
    default:
      return peak_loops_scalar();
  }
}

Peaks measure_peaks(cpu::Isa isa, Lane& lane, std::span<const std::byte> data, Effort effort) {
  const PeakLoops loops = peak_loops(isa);
  const uint32_t units = lane.units();
  Peaks peaks;
  for (size_t i = 0; i < size_t(Arithmetic::kCount); ++i) {
    const PeakLoop& loop = loops.of[i];
    if (loop.run == nullptr) continue;
    const double seconds = least_seconds(
        effort, [&] { return time_together(lane, [&](uint32_t) { loop.run(kIterations); }); });
    peaks.operations_per_s[i] = loop.operations * kIterations * units / seconds;
  }
  peaks.bytes_per_s = best_read_speed(lane, data, effort);
  return peaks;
}

}  // namespace nf::bench
