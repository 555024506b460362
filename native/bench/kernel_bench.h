// The speed of the CPU backend's kernels, one by one: the rows of the kernel table of an
// instruction set, on a lane of some threads, beside the peaks of the machine on the same lane.
#pragma once

#include <vector>

#include "bench/case.h"
#include "bench/memory.h"
#include "bench/peaks.h"
#include "cpu/lane.h"
#include "platform/memory.h"

namespace nf::bench {

constexpr uint32_t kMaxLaunches = 65536;  // of a case in one run: of microseconds, they tell enough

struct BenchOptions {
  cpu::Isa isa;
  uint32_t num_threads;
  size_t memory_bytes;  // at most
  Suite suite;
};

class KernelBench {
 public:
  // Throws NF_INVALID_ARGUMENT with the name and the need of a case that memory_bytes is too little
  // for.
  explicit KernelBench(BenchOptions options);

  // Their arithmetic is what the instruction set computes with.
  const std::vector<Case>& cases() const { return cases_; }

  Peaks measure_peaks(Effort effort);

  struct Times {
    double median_ns;
    double min_ns;
    double max_ns;
    uint32_t count;
  };
  // The first launch does not count.
  Times run(const Case& c, Effort effort);

 private:
  BenchOptions options_;
  std::vector<Case> cases_;
  size_t memory_bytes_;
  MemoryBlocks blocks_;
  cpu::CpuLane lane_;
  Memory memory_;
};

}  // namespace nf::bench
