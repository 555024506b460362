// The speed that this machine can have at best: of arithmetic by type and instruction set, and of
// reading memory. Kernels are held against it, so it is measured on the lane that runs them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/backend.h"
#include "cpu/isa.h"

namespace nf::bench {

// What products are made of.
enum class Arithmetic : uint8_t { kF32, kBF16, kI8, kCount };

// A loop on registers.
struct PeakLoop {
  void (*run)(uint64_t iterations) = nullptr;  // null: the instruction set does not have it
  double operations = 0;                       // of an iteration; one multiply-add is two
};

// By Arithmetic. bf16 is there where pairs of bf16 are multiplied directly (elsewhere they are
// widened, and fp32 is their peak); int8 always: with vpdpbusd, or as pairs of int16.
struct PeakLoops {
  PeakLoop of[size_t(Arithmetic::kCount)];
};

PeakLoops peak_loops_scalar();
PeakLoops peak_loops_avx2();
PeakLoops peak_loops_avx512();
PeakLoops peak_loops_avx512bf16();

PeakLoops peak_loops(cpu::Isa isa);

struct Peaks {
  double operations_per_s[size_t(Arithmetic::kCount)] = {};  // 0: there is no such loop
  double bytes_per_s = 0;                                    // of reading memory
};

// At least that much of everything, after a first time that does not count.
struct Effort {
  uint64_t minimum_ns = 0;
  uint32_t minimum_count = 1;
};

// The best of all runs, with every worker of the lane busy at the same time. `data` is what is read
// to find the speed of memory: much more than the caches hold.
Peaks measure_peaks(cpu::Isa isa, Lane& lane, std::span<const std::byte> data, Effort effort);

}  // namespace nf::bench
