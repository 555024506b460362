#include "abi/kernel_bench.h"

#include <cstdint>
#include <cstdio>
#include <string>

#include "core/check.h"

namespace nf {
namespace {

using bench::Arithmetic;

static_assert(static_cast<int>(Arithmetic::kF32) == NF_ARITHMETIC_F32);
static_assert(static_cast<int>(Arithmetic::kBF16) == NF_ARITHMETIC_BF16);
static_assert(static_cast<int>(Arithmetic::kI8) == NF_ARITHMETIC_I8);
static_assert(static_cast<size_t>(Arithmetic::kCount) ==
              sizeof(nf_peaks::operations_per_s) / sizeof(double));

constexpr uint32_t kMaxWidth = 1u << 20;  // beyond every model's, and sizes in bytes are exact

void check_range(uint32_t value, uint32_t least, uint32_t most, const char* name) {
  NF_CHECK(value >= least && value <= most, NF_INVALID_ARGUMENT,
           std::string(name) + " is " + std::to_string(value) + ", not " + std::to_string(least) +
               " to " + std::to_string(most));
}

template <size_t kSize>
void copy_text(char (&field)[kSize], const std::string& text) {
  std::snprintf(field, kSize, "%s", text.c_str());
}

bench::Effort checked_effort(uint32_t minimum_us, uint32_t minimum_count) {
  check_range(minimum_us, 0, 60'000'000, "minimum_us");
  check_range(minimum_count, 1, bench::kMaxLaunches, "minimum_count");
  return {uint64_t{minimum_us} * 1000, minimum_count};
}

const bench::Case& checked_case(const bench::KernelBench& bench, uint32_t index) {
  NF_CHECK(index < bench.cases().size(), NF_INVALID_ARGUMENT,
           "index is " + std::to_string(index) + "; there are " +
               std::to_string(bench.cases().size()) + " cases");
  return bench.cases()[index];
}

}  // namespace

constexpr size_t kDefaultMemory = size_t{4} << 30;  // more than any case of the list needs

bench::BenchOptions bench_options(const nf_kernel_bench_options& options) {
  bench::Suite suite = bench::full_suite();
  if (options.matrix_out != 0 || options.matrix_in != 0) {
    check_range(options.matrix_out, 1, kMaxWidth, "matrix_out");
    check_range(options.matrix_in, 1, kMaxWidth, "matrix_in");
    suite.matrices = {{options.matrix_out, options.matrix_in}};
    suite.layer_matrices.clear();
    suite.head_matrices.clear();
  }
  return {.isa = cpu::choose_isa(options.isa).isa,
          .num_threads = cpu::choose_threads(options.num_threads),
          .memory_bytes = options.memory_bytes == 0 ? kDefaultMemory : options.memory_bytes,
          .suite = std::move(suite)};
}

nf_kernel_case describe_case(const bench::KernelBench& bench, uint32_t index) {
  const bench::Case& c = checked_case(bench, index);
  nf_kernel_case info{};
  info.struct_size = sizeof(info);
  info.rows = c.rows;
  info.arithmetic = static_cast<uint32_t>(c.arithmetic);
  copy_text(info.kernel, c.kernel->name);
  copy_text(info.kind, kOpKindNames[static_cast<size_t>(c.kernel->kind)]);
  copy_text(info.shape, c.shape);
  info.operations = c.operations;
  info.bytes = c.bytes;
  return info;
}

nf_kernel_times run_case(bench::KernelBench& bench, uint32_t index, uint32_t minimum_us,
                         uint32_t minimum_count) {
  const bench::Case& c = checked_case(bench, index);
  const auto times = bench.run(c, checked_effort(minimum_us, minimum_count));
  return {.median_us = times.median_ns / 1000,
          .min_us = times.min_ns / 1000,
          .max_us = times.max_ns / 1000,
          .count = times.count};
}

nf_peaks measure_peaks(bench::KernelBench& bench, uint32_t minimum_us, uint32_t minimum_count) {
  const bench::Peaks peaks = bench.measure_peaks(checked_effort(minimum_us, minimum_count));
  nf_peaks result{};
  for (size_t i = 0; i < size_t(Arithmetic::kCount); ++i) {
    result.operations_per_s[i] = peaks.operations_per_s[i];
  }
  result.read_bytes_per_s = peaks.bytes_per_s;
  return result;
}

}  // namespace nf
