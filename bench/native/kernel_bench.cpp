// Speed of single kernels of the cpu backend on one thread, per instruction set.
//
// Weights and KV pages rotate over 256 MiB, as they do in a model, so small batches show the speed
// of memory. Reported is the best of at least seven runs in processor time: on a machine with other
// work that is what says something about the kernel.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <vector>

#include "core/backend.h"
#include "core/block_formats.h"
#include "cpu/isa.h"
#include "cpu/kernel_table.h"
#include "cpu/pack.h"
#include "platform/memory.h"

namespace nf {
namespace {

constexpr uint32_t kWidth = 4096;  // of the GEMM, in and out, and of a row
constexpr uint32_t kMaxRows = 512;
constexpr size_t kRotation = size_t{256} << 20;  // bytes of weights, and of KV pages

class InlineLane final : public Lane {
 public:
  explicit InlineLane(std::byte* scratch) : scratch_(scratch) {}
  uint32_t units() const override { return 1; }
  void limit(uint32_t) override {}
  std::byte* scratch(uint32_t) override { return scratch_; }
  void parallel_for(uint32_t count, TaskFn task, void* context) override {
    for (uint32_t i = 0; i < count; ++i) task(context, i, 0);
  }

 private:
  std::byte* scratch_;
};

// Processor time of this process, so that others do not count (on Windows: elapsed time).
double seconds_now() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double best_seconds(const std::function<void()>& run) {
  run();
  double best = 1e300;
  const double end = seconds_now() + 0.4;
  for (int i = 0; i < 7 || seconds_now() < end; ++i) {
    const double begin = seconds_now();
    run();
    best = std::min(best, seconds_now() - begin);
  }
  return best;
}

class Bench {
 public:
  explicit Bench(cpu::Isa isa)
      : isa_(isa),
        weights_(halves(kRotation)),
        pages_(halves(kRotation)),
        rows_(halves(size_t{kMaxRows} * kWidth * 8)),
        out_(memory_.allocate(size_t{kMaxRows} * kWidth * 8, "output")),
        lane_(memory_.allocate(size_t{4} << 20, "scratch")) {}

  void run() {
    for (const Kernel& kernel : cpu::kernel_table(isa_)) {
      if (kernel.kind != OpKind::kGemm) continue;
      for (const uint32_t rows : {1u, 8u, 32u, 128u, 512u}) gemm(kernel, rows);
    }
    for (const uint32_t rows : {1u, 8u, 32u, 128u, 512u}) grouped_gemm(rows);
    attention(OpKind::kDecodeAttention, 4, 4096);
    attention(OpKind::kPrefillAttention, 512, 1024);
    row_kernels(128);
  }

 private:
  // Memory full of bf16 numbers between 0.008 and 2, every fp32 of which is finite too.
  std::byte* halves(size_t bytes) {
    std::byte* data = memory_.allocate(bytes, "bench data");
    auto* values = reinterpret_cast<uint16_t*>(data);
    for (size_t i = 0; i < bytes / 2; ++i) {
      values[i] = static_cast<uint16_t>(0x3c00 + (i * 2654435761u >> 20) % 1024);
    }
    return data;
  }

  double time(const Kernel& kernel, const std::function<OpArgs()>& next) {
    return best_seconds([&] { kernel.launch(next(), lane_); });
  }

  double time(OpKind kind, const std::function<OpArgs()>& next) {
    for (const Kernel& kernel : cpu::kernel_table(isa_)) {
      if (kernel.kind == kind) return time(kernel, next);
    }
    return 0;
  }

  void report(const char* what, uint32_t rows, double amount, const char* unit) const {
    std::printf("%-11s %-18s rows %-4u %8.1f %s\n", cpu::isa_name(isa_), what, rows, amount, unit);
    std::fflush(stdout);
  }

  // Figures are of the useful work, and of the bytes of the weights.
  void gemm(const Kernel& kernel, uint32_t rows) {
    const size_t bytes = cpu::matrix_bytes(kWidth, kWidth, kernel.weight);
    size_t offset = 0;
    const double s = time(kernel, [&] {
      offset = offset + 2 * bytes > kRotation ? 0 : offset + bytes;
      OpArgs args;
      args.gemm = {.rows = {0, rows},
                   .a = rows_,
                   .weight = {weights_ + offset, kWidth, kWidth, kernel.weight},
                   .bias = nullptr,
                   .residual = nullptr,
                   .out = out_,
                   .out_dtype = DType::kF32};
      return args;
    });
    const char* what = kernel.weight == DType::kPlain ? "gemm" : block_format(kernel.weight).name;
    report(what, rows, 2.0 * rows * kWidth * kWidth / s / 1e9, "GFLOP/s");
    if (rows <= 8) report(what, rows, static_cast<double>(bytes) / s / 1e9, "GB/s");
  }

  // 32 experts [1536, 2048], 4 of them for a row, spread evenly.
  void grouped_gemm(uint32_t rows) {
    constexpr uint32_t kExperts = 32, kSlots = 4, kOut = 1536, kIn = 2048;
    const size_t stride = cpu::matrix_bytes(kOut, kIn);
    std::vector<uint32_t> routing, order(size_t{rows} * kSlots);
    uint32_t next = 0;  // a row after the other, so that few rows rotate over all experts
    const double s = time(OpKind::kGroupedGemm, [&] {
      routing.clear();
      for (uint32_t row = 0; row < rows; ++row, next += 5) {
        for (uint32_t slot = 0; slot < 2 * kSlots; ++slot) {
          routing.push_back((next + slot * 8) % kExperts);
        }
      }
      OpArgs args;
      args.grouped_gemm = {.rows = {0, rows},
                           .a = rows_,
                           .a_per_slot = false,
                           .weight = {weights_, kOut, kIn, DType::kPlain, kExperts, stride},
                           .routing = {routing.data(), kSlots},
                           .order = order.data(),
                           .out = reinterpret_cast<float*>(out_)};
      return args;
    });
    report("grouped gemm", rows, 2.0 * rows * kSlots * kOut * kIn / s / 1e9, "GFLOP/s");
  }

  // 32 query heads of 128 over 8 kv heads, pages of 64 tokens in scattered order.
  void attention(OpKind kind, uint32_t rows, uint32_t context) {
    const bool decode = kind == OpKind::kDecodeAttention;
    const size_t page_bytes = cpu::kv_page_bytes(64, 8, 128);
    const auto num_pages = static_cast<uint32_t>(kRotation / page_bytes);
    std::vector<uint32_t> pages, row_sequence, row_position;
    for (uint32_t i = 0; i < num_pages; ++i) pages.push_back(i * 97 % num_pages);
    std::vector<nf_sequence> sequences;
    double tokens = 0;
    for (uint32_t r = 0; r < rows; ++r) {
      row_sequence.push_back(decode ? r : 0);
      row_position.push_back(decode ? context - 1 : context + r);
      nf_sequence sequence{};
      sequence.page_begin = decode ? r * (context / 64) : 0;
      sequences.push_back(sequence);
      tokens += row_position.back() + 1;
    }
    Batch batch;
    batch.row_sequence = row_sequence.data();
    batch.row_position = row_position.data();
    batch.sequences = sequences.data();
    batch.pages = pages.data();
    OpArgs args;
    args.attention = {{0, rows}, &batch, rows_, {pages_, page_bytes, 64, 8, 128}, out_, 32, 0};
    const double s = time(kind, [&] { return args; });
    if (decode) {
      report("decode attention", rows, tokens * 8 * 128 * 4 / s / 1e9, "GB/s");
    } else {
      report("prefill attention", rows, tokens * 32 * 128 * 4 / s / 1e9, "GFLOP/s");
    }
  }

  void row_kernels(uint32_t rows) {
    const auto* x = reinterpret_cast<const float*>(rows_);
    OpArgs args;
    args.rms_norm = {{0, rows}, nullptr, x, x, out_, kWidth, 1e-5f};
    double s = time(OpKind::kRmsNorm, [&] { return args; });
    report("rms norm", rows, rows * kWidth * 6.0 / s / 1e9, "GB/s");
    args.glu = {{0, rows}, x, out_, 2 * kWidth};
    s = time(OpKind::kSwiGlu, [&] { return args; });
    report("swi glu", rows, rows * kWidth * 20.0 / s / 1e9, "GB/s");
  }

  cpu::Isa isa_;
  MemoryBlocks memory_;
  std::byte* weights_;
  std::byte* pages_;
  std::byte* rows_;
  std::byte* out_;
  InlineLane lane_;
};

}  // namespace
}  // namespace nf

int main(int argc, char** argv) {
  using nf::cpu::Isa;
  for (uint8_t i = 0; i < uint8_t(Isa::kCount); ++i) {
    const auto isa = Isa(i);
    const bool wanted = argc < 2 || nf::cpu::parse_isa(argv[1]) == isa;
    if (wanted && nf::cpu::isa_available(isa)) nf::Bench(isa).run();
  }
}
