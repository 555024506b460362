// The kernel bench, as the C ABI says it.
#pragma once

#include <memory>

#include "bench/kernel_bench.h"
#include "nanoflow.h"

namespace nf {

bench::BenchOptions bench_options(const nf_kernel_bench_options& options);

// These check what they are given.
nf_kernel_case describe_case(const bench::KernelBench& bench, uint32_t index);
nf_kernel_times run_case(bench::KernelBench& bench, uint32_t index, uint32_t minimum_us,
                         uint32_t minimum_count);
nf_peaks measure_peaks(bench::KernelBench& bench, uint32_t minimum_us, uint32_t minimum_count);

}  // namespace nf
