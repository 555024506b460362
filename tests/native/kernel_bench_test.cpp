// The kernel bench: that it has cases for all kernels, that their figures are right, and that they
// work on the memory that is theirs. Nothing here depends on how long anything takes.

#include "abi/kernel_bench.h"

#include <algorithm>
#include <functional>
#include <string>

#include "bench/case.h"
#include "bench/memory.h"
#include "check.h"
#include "core/check.h"
#include "cpu_fixture.h"
#include "nanoflow.h"

namespace {

using nf::DType;
using nf::OpKind;
using nf::bench::Arithmetic;
using nf::bench::Case;
using nf::bench::KernelBench;
using nf::cpu::Isa;

// Every kind of case, with shapes that are soon done.
nf::bench::Suite small_suite() {
  return {.product_rows = {1, 5},
          .matrices = {{96, 256}},
          .layer_matrices = {{100, 64}},
          .head_matrices = {{200, 64}},
          .experts = {{8, 2, 48, 64}},
          .heads = {{4, 2, 32}},
          .decode_rows = 3,
          .decode_context = 130,
          .prefill_rows = 9,
          .prefill_context = 70,
          .rows = 12,
          .widths = {64, 100},
          .vocabularies = {{1000, 64}},
          .samples = 3};
}

KernelBench small_bench(Isa isa, uint32_t threads) {
  return KernelBench({.isa = isa,
                      .num_threads = threads,
                      .memory_bytes = size_t{8} << 20,
                      .suite = small_suite()});
}

const Case& find(const std::vector<Case>& cases, OpKind kind, const std::string& shape,
                 uint32_t rows, DType weight = DType::kPlain) {
  for (const Case& c : cases) {
    const bool is_it = c.kernel->kind == kind && c.kernel->weight == weight;
    if (is_it && c.shape == shape && c.rows == rows) return c;
  }
  throw nf::Error(NF_INVALID_ARGUMENT, "there is no case " + shape);
}

// The message of an Error that `body` throws; empty: it throws none.
std::string refused(const std::function<void()>& body) {
  try {
    body();
  } catch (const nf::Error& error) {
    return error.what();
  }
  return {};
}

bool says(const std::string& message, const char* what) {
  return message.find(what) != std::string::npos;
}

// Launches a case for one turn and compares all memory with what it was before.
void check_memory(const Case& c, uint64_t turn, std::vector<std::byte>& numbers,
                  std::vector<std::byte>& results) {
  test::ShuffledLane lane(2, c.kernel->workspace(c.op), test::seed() + turn);
  std::fill(results.begin(), results.end(), std::byte{0x3e});
  nf::bench::Memory memory(numbers, results, lane);
  memory.prepare(c, lane);
  const std::vector<std::byte> before = results;
  const std::vector<std::byte> numbers_before = numbers;
  const nf::bench::Operands operands = memory.operands(c, turn);
  c.kernel->launch(c.prepare()(operands), lane);
  CHECK(numbers == numbers_before);
  const auto begin = static_cast<size_t>(operands.target - results.data());
  REQUIRE(begin + c.target_bytes <= results.size());
  size_t written = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i] == before[i]) continue;
    ++written;
    REQUIRE(i >= begin && i < begin + c.target_bytes);
  }
  CHECK((written > 0) == (c.target_bytes > 0));
}

}  // namespace

TEST("the bench has a case for every row of the kernel table of every instruction set") {
  for (const Isa isa : test::available_isas()) {
    const auto table = nf::cpu::kernel_table(isa);
    const std::vector<Case> cases = nf::bench::make_cases(table, nf::bench::full_suite());
    for (const nf::Kernel& kernel : table) {
      const auto is_of = [&](const Case& c) { return c.kernel == &kernel; };
      if (!std::any_of(cases.begin(), cases.end(), is_of)) {
        FAIL(std::string(kernel.name) + " has no case: see native/bench/case_makers.h");
      }
    }
  }
}

TEST("cases of the bench read and write no memory but their own, in every turn") {
  for (const Isa isa : test::available_isas()) {
    std::vector<std::byte> numbers(size_t{1} << 20);
    std::vector<std::byte> results(size_t{1} << 18);
    for (const Case& c : nf::bench::make_cases(nf::cpu::kernel_table(isa), small_suite())) {
      REQUIRE(nf::bench::Memory::number_bytes(c) <= numbers.size());
      REQUIRE(nf::bench::Memory::result_bytes(c) <= results.size());
      for (const uint64_t turn : {0u, 1u, 5u}) check_memory(c, turn, numbers, results);
    }
  }
}

TEST("launches of a case go round in memory") {
  std::vector<std::byte> numbers(size_t{1} << 20);
  std::vector<std::byte> results(size_t{1} << 18);
  test::ShuffledLane lane(1, 0, 1);
  const nf::bench::Memory memory(numbers, results, lane);
  const auto cases = nf::bench::make_cases(nf::cpu::kernel_table(Isa::kScalar), small_suite());
  const Case& gemm = find(cases, OpKind::kGemm, "96x256", 5);
  const uint64_t turns = numbers.size() / gemm.source_bytes;
  for (uint64_t turn = 0; turn < turns; ++turn) {
    const auto operands = memory.operands(gemm, turn);
    CHECK_EQ(operands.source - numbers.data(), std::ptrdiff_t(turn * gemm.source_bytes));
    CHECK(operands.target == results.data());  // as in a step: still in the caches
  }
  CHECK(memory.operands(gemm, turns).source == numbers.data());
  const Case& norm = find(cases, OpKind::kRmsNorm, "64", 12);
  CHECK(memory.operands(norm, 0).target != memory.operands(norm, 1).target);
}

TEST("the work of products is counted by multiply-adds, and by weights as they are packed") {
  const auto cases =
      nf::bench::make_cases(nf::cpu::kernel_table(Isa::kScalar), nf::bench::full_suite());
  const double weights = 4096.0 * 4096;
  const Case& plain = find(cases, OpKind::kGemm, "4096x4096", 8);
  CHECK_EQ(plain.operations, 2 * 8 * weights);
  CHECK_EQ(plain.bytes, 2 * weights);
  CHECK_EQ(find(cases, OpKind::kGemm, "4096x4096", 512, DType::kQ4_0).bytes, weights / 32 * 18);
  CHECK_EQ(find(cases, OpKind::kGemm, "4096x4096", 1, DType::kQ6_K).bytes, weights / 256 * 210);
  // 32 experts, four a row: one row reads four, many rows read each once.
  const double expert = 2.0 * 1536 * 2048;
  CHECK_EQ(find(cases, OpKind::kGroupedGemm, "1536x2048 4 of 32", 1).bytes, 4 * expert);
  const Case& many = find(cases, OpKind::kGroupedGemm, "1536x2048 4 of 32", 128);
  CHECK_EQ(many.bytes, 32 * expert);
  CHECK_EQ(many.operations, 128 * 4 * expert);
}

TEST("the work of attention is counted by attended tokens, and by pages read once") {
  const auto cases =
      nf::bench::make_cases(nf::cpu::kernel_table(Isa::kScalar), nf::bench::full_suite());
  const Case& decode = find(cases, OpKind::kDecodeAttention, "32/8x128 of 2048", 16);
  CHECK_EQ(decode.bytes, 16.0 * 2048 * 2 * 8 * 128 * 2);
  CHECK_EQ(decode.operations, 16.0 * 2048 * 32 * 128 * 4);
  const Case& prefill = find(cases, OpKind::kPrefillAttention, "9/3x64 after 1024", 512);
  double attended = 0;
  for (uint32_t row = 0; row < 512; ++row) attended += 1024 + row + 1;
  CHECK_EQ(prefill.operations, attended * 9 * 64 * 4);
  CHECK_EQ(prefill.bytes, (1024.0 + 512) * 2 * 3 * 64 * 2);
}

TEST("the work of other ops is the rows that they read and write") {
  const auto cases =
      nf::bench::make_cases(nf::cpu::kernel_table(Isa::kScalar), nf::bench::full_suite());
  CHECK_EQ(find(cases, OpKind::kRmsNorm, "4096", 128).bytes, 128 * 4096.0 * (4 + 2));
  CHECK_EQ(find(cases, OpKind::kSwiGlu, "2048", 128).bytes, 128 * 2048.0 * (8 + 2));
  CHECK_EQ(find(cases, OpKind::kSample, "49152 greedy", 16).bytes, 16 * 49152.0 * 4);
  CHECK_EQ(find(cases, OpKind::kRopeAppend, "9/3x64", 128).bytes, 128 * (9 + 6) * 64.0 * (4 + 2));
  CHECK_EQ(find(cases, OpKind::kSample, "49152 greedy", 16).operations, 0.0);
}

// Rows that no table has to have: what they are given follows from their kind and dtype.
TEST("kernels of int8 and of gated products get the operands of their kind") {
  const auto supports = [](const nf::OpShape&) { return true; };
  const auto workspace = [](const nf::OpShape&) { return size_t{0}; };
  const auto launch = [](const nf::OpArgs&, nf::Lane&) {};
  const nf::Kernel table[] = {
      {OpKind::kGemm, "gemm_int8", supports, workspace, launch, DType::kI8},
      {OpKind::kGemmSwiGlu, "gemm_swi_glu", supports, workspace, launch},
      {OpKind::kQuantize, "quantize", supports, workspace, launch},
      {OpKind::kRmsNormQuantize, "rms_norm_quantize", supports, workspace, launch},
  };
  const std::vector<Case> cases = nf::bench::make_cases(table, small_suite());
  const Case& int8 = find(cases, OpKind::kGemm, "100x64", 5, DType::kI8);
  CHECK(int8.arithmetic == Arithmetic::kI8);
  CHECK_EQ(int8.warm_bytes, size_t{5 * (64 + 4)});
  CHECK_EQ(int8.target_bytes, size_t{5 * 100 * 4});
  const Case& gated = find(cases, OpKind::kGemmSwiGlu, "100x64", 5);
  CHECK_EQ(gated.warm_bytes, size_t{5 * 64 * 2});
  CHECK_EQ(gated.target_bytes, size_t{5 * 50 * 2});
  CHECK_EQ(find(cases, OpKind::kQuantize, "100", 12).bytes, 12 * (200 + 100 + 4.0));
  CHECK_EQ(find(cases, OpKind::kRmsNormQuantize, "64", 12).bytes, 12 * (256 + 64 + 4.0));
}

TEST("every case of every instruction set runs, on one thread and on two") {
  for (const Isa isa : test::available_isas()) {
    for (const uint32_t threads : {1u, 2u}) {
      KernelBench bench = small_bench(isa, threads);
      REQUIRE(!bench.cases().empty());
      for (const Case& c : bench.cases()) {
        const KernelBench::Times times = bench.run(c, {.minimum_ns = 2000, .minimum_count = 2});
        CHECK(times.count >= 2);
        CHECK(times.min_ns <= times.median_ns && times.median_ns <= times.max_ns);
      }
    }
  }
}

TEST("peaks are those of the instruction set's own arithmetic") {
  for (const Isa isa : test::available_isas()) {
    KernelBench bench = small_bench(isa, 2);
    const nf::bench::Peaks peaks = bench.measure_peaks({.minimum_ns = 0, .minimum_count = 1});
    CHECK(peaks.operations_per_s[size_t(Arithmetic::kF32)] > 0);
    CHECK(peaks.operations_per_s[size_t(Arithmetic::kI8)] > 0);
    CHECK(peaks.bytes_per_s > 0);
    const bool has_bf16 = isa == Isa::kAvx512Bf16;
    CHECK_EQ(peaks.operations_per_s[size_t(Arithmetic::kBF16)] > 0, has_bf16);
    for (const Case& c : bench.cases()) {
      CHECK(peaks.operations_per_s[size_t(c.arithmetic)] > 0);
    }
  }
}

TEST("the options of a kernel bench are checked before memory is taken") {
  const auto message = [](void (*change)(nf_kernel_bench_options & options)) {
    nf_kernel_bench_options options{};
    change(options);
    return refused([&] { KernelBench bench(nf::bench_options(options)); });
  };
  CHECK(says(message([](auto& o) { o.num_threads = 256; }), "num_threads must be at most 255"));
  CHECK(says(message([](auto& o) { o.isa = "sse"; }), "instruction set sse is not one of scalar"));
  CHECK(says(message([](auto& o) { o.matrix_out = 64; }), "matrix_in is 0, not 1 to 1048576"));
  CHECK(says(message([](auto& o) { o.memory_bytes = 1 << 20; }), "memory_bytes is 1048576; "));
  const std::string too_wide = message([](auto& o) {
    o.matrix_out = (1u << 20) + 1;
    o.matrix_in = 64;
  });
  CHECK(says(too_wide, "matrix_out is 1048577"));
  const std::string too_large = message([](auto& o) {  // terabytes of weights
    o.matrix_out = 1u << 20;
    o.matrix_in = 1u << 20;
    o.memory_bytes = uint64_t{1} << 30;
  });
  CHECK(says(too_large, "of 1048576x1048576 needs"));
}

TEST("calls of a kernel bench name the argument that is wrong") {
  KernelBench bench = small_bench(Isa::kScalar, 1);
  const auto count = uint32_t(bench.cases().size());
  CHECK_EQ(std::string(nf::describe_case(bench, 0).kernel), bench.cases()[0].kernel->name);
  CHECK_EQ(nf::run_case(bench, count - 1, 0, 1).count, uint64_t{1});
  CHECK(says(refused([&] { nf::describe_case(bench, count); }), "index is "));
  CHECK(says(refused([&] { nf::run_case(bench, count, 0, 1); }), "index is "));
  CHECK(says(refused([&] { nf::run_case(bench, 0, 60'000'001, 1); }), "minimum_us is"));
  CHECK(says(refused([&] { nf::run_case(bench, 0, 0, 0); }), "minimum_count is 0"));
  CHECK(says(refused([&] { nf::measure_peaks(bench, 0, 65537); }), "minimum_count is 65537"));

  nf_kernel_bench* none = nullptr;
  nf_kernel_bench_options options{};
  CHECK_EQ(nf_kernel_bench_create(nullptr, &none), NF_INVALID_ARGUMENT);
  CHECK_EQ(nf_kernel_bench_create(&options, &none), NF_INVALID_ARGUMENT);
  CHECK(says(nf_last_error(), "options: struct_size is not set"));
  CHECK_EQ(nf_kernel_bench_create(&options, nullptr), NF_INVALID_ARGUMENT);
  uint32_t counted = 0;
  CHECK_EQ(nf_kernel_bench_count(nullptr, &counted), NF_INVALID_ARGUMENT);
  nf_kernel_case description{};
  CHECK_EQ(nf_kernel_bench_case(nullptr, 0, &description), NF_INVALID_ARGUMENT);
  CHECK(says(nf_last_error(), "bench is NULL"));
  nf_kernel_bench_destroy(nullptr);
}
