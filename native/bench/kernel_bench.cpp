#include "bench/kernel_bench.h"

#include <algorithm>
#include <string>

#include "core/check.h"
#include "core/executor.h"
#include "cpu/kernel_table.h"

namespace nf::bench {
namespace {

// Many times the caches of most machines.
constexpr size_t kWantedBytes = size_t{1280} << 20;

// Four fifths of the memory are numbers; the rest takes results.
constexpr size_t number_bytes(size_t memory_bytes) { return memory_bytes / 5 * 4; }
constexpr size_t result_bytes(size_t memory_bytes) { return memory_bytes / 5; }

std::vector<Case> cases_of(const BenchOptions& options) {
  std::vector<Case> cases = make_cases(cpu::kernel_table(options.isa), options.suite);
  const PeakLoops loops = peak_loops(options.isa);
  for (Case& c : cases) {
    if (loops.of[size_t(c.arithmetic)].run == nullptr) c.arithmetic = Arithmetic::kF32;
  }
  return cases;
}

size_t needed_bytes(const Case& c) {
  constexpr size_t kStep = size_t{1} << 20;
  const size_t fifths = std::max((Memory::number_bytes(c) + 3) / 4, Memory::result_bytes(c));
  return (5 * (fifths + 1) + kStep - 1) / kStep * kStep;
}

// What is wanted, or more where a case needs it, or less where that is all that is granted.
size_t checked_memory(const std::vector<Case>& cases, size_t granted) {
  size_t needed = 0;
  for (const Case& c : cases) {
    needed = std::max(needed, needed_bytes(c));
    NF_CHECK(needed <= granted, NF_INVALID_ARGUMENT,
             "memory_bytes is " + std::to_string(granted) + "; " + c.kernel->name + " of " +
                 c.shape + " needs " + std::to_string(needed));
  }
  return std::min(granted, std::max(needed, kWantedBytes));
}

LaneSpec lane_spec(const BenchOptions& options, const std::vector<Case>& cases) {
  LaneSpec spec{};
  spec.partition.kind = NF_PARTITION_SHARED;
  spec.partition.num_units = static_cast<uint16_t>(options.num_threads);
  for (const Case& c : cases) {
    spec.scratch_bytes = std::max(spec.scratch_bytes, c.kernel->workspace(c.op));
  }
  return spec;
}

std::span<std::byte> allocate(MemoryBlocks& blocks, size_t bytes, const char* what) {
  return {blocks.allocate(bytes, what), bytes};
}

}  // namespace

KernelBench::KernelBench(BenchOptions options)
    : options_(std::move(options)),
      cases_(cases_of(options_)),
      memory_bytes_(checked_memory(cases_, options_.memory_bytes)),
      lane_(lane_spec(options_, cases_)),
      memory_(allocate(blocks_, number_bytes(memory_bytes_), "the numbers of a kernel bench"),
              allocate(blocks_, result_bytes(memory_bytes_), "the results of a kernel bench"),
              lane_) {}

Peaks KernelBench::measure_peaks(Effort effort) {
  return bench::measure_peaks(options_.isa, lane_, memory_.numbers(), effort);
}

KernelBench::Times KernelBench::run(const Case& c, Effort effort) {
  memory_.prepare(c, lane_);
  const Case::Bind bind = c.prepare();
  c.kernel->launch(bind(memory_.operands(c, 0)), lane_);
  std::vector<int64_t> times;
  const int64_t until = now_ns() + static_cast<int64_t>(effort.minimum_ns);
  while ((times.size() < effort.minimum_count || now_ns() < until) && times.size() < kMaxLaunches) {
    const OpArgs args = bind(memory_.operands(c, times.size() + 1));
    const int64_t begin = now_ns();
    c.kernel->launch(args, lane_);
    times.push_back(now_ns() - begin);
  }
  std::sort(times.begin(), times.end());
  return {.median_ns = static_cast<double>(times[times.size() / 2]),
          .min_ns = static_cast<double>(times.front()),
          .max_ns = static_cast<double>(times.back()),
          .count = static_cast<uint32_t>(times.size())};
}

}  // namespace nf::bench
