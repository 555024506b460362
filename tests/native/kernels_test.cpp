// Every row of every backend's kernel table against the reference, on random shapes; and the laws
// all kernels obey: results do not depend on how rows are split, and rows outside a launch are left
// alone. The reference is held to the laws too.
#include <algorithm>
#include <cmath>

#include "check.h"
#include "core/block_formats.h"
#include "reference/kernel_table.h"
#include "subjects.h"
#include "tolerance.h"

namespace test {
namespace {

// Of the formats of weights the reference tells only int8 from all others.
const nf::Kernel& reference_kernel(const OpCase& c) {
  const bool int8 = is_gemm(c.kind) && c.weight == nf::DType::kI8;
  for (const nf::Kernel& kernel : nf::reference::kernel_table()) {
    if (kernel.kind == c.kind && (kernel.weight == nf::DType::kI8) == int8) return kernel;
  }
  abandon(__FILE__, __LINE__, "the reference has no such kernel");
}

std::string describe(const Subject& subject, const nf::Kernel& kernel, const OpCase& c) {
  return subject.name + " " + kernel.name + " out " + show(c.shape.out) + " in " +
         show(c.shape.in) + " heads " + show(c.shape.num_heads) + "/" + show(c.shape.num_kv_heads) +
         " x " + show(c.shape.head_dim) + " experts " + show(c.shape.slots) + "/" +
         show(c.shape.num_experts) + " seed " + show(c.seed);
}

// What the i-th case of a kernel has its weights stored in: a GEMM reads one format, a table may
// be stored in any that the subject keeps exactly.
nf::DType stored_format(const Subject& subject, const nf::Kernel& kernel, int i) {
  if (kernel.kind != nf::OpKind::kEmbedding) return kernel.weight;
  const size_t format = size_t(i) % (nf::kNumWeightFormats + 1);
  if (format == 0) return nf::DType::kPlain;
  if (format == nf::kNumWeightFormats) {
    const auto reads_int8 = [](const nf::Kernel& k) { return k.weight == nf::DType::kI8; };
    return std::ranges::any_of(subject.kernels, reads_int8) ? nf::DType::kI8 : nf::DType::kPlain;
  }
  const nf::DType stored = nf::kBlockFormats[format - 1].dtype;
  const bool exact = subject.operand == nf::DType::kF32 || subject.packed_format(stored) == stored;
  return exact ? stored : nf::DType::kPlain;
}

// Calls check(subject, kernel, case) for `count` supported cases of every kernel of every table.
template <typename Fn>
void for_each_case(int count, Fn&& check) {
  Random random(seed());
  for (const Subject& subject : subjects()) {
    for (const nf::Kernel& kernel : subject.kernels) {
      int supported = 0;
      for (int i = 0; i < 20 * count && supported < count; ++i) {
        const OpCase c = random_case(kernel.kind, stored_format(subject, kernel, i), random);
        if (!kernel.supports(c.shape)) continue;
        ++supported;
        check(subject, kernel, c);
      }
      if (supported == 0) FAIL(subject.name + " " + kernel.name + " supports no shape");
    }
  }
}

bool close(float actual, float expected, Tolerance tolerance) {
  return actual == expected || std::abs(actual - expected) <=
                                   tolerance.absolute + tolerance.relative * std::abs(expected);
}

// Do rows [begin, end) of an output hold what no kernel has touched?
bool untouched(const Output& output, uint32_t begin, uint32_t end) {
  const float mark =  // which fp16 holds exactly
      output.written == nf::DType::kBF16 ? nf::to_float(nf::to_bf16(kUntouched)) : kUntouched;
  const size_t width = output.values.size() / output.rows;
  return std::all_of(output.values.begin() + std::ptrdiff_t(begin * width),
                     output.values.begin() + std::ptrdiff_t(end * width),
                     [&](float value) { return value == mark; });
}

TEST("every kernel matches the reference within tolerance.h") {
  for_each_case(
      scale(12, 300), [](const Subject& subject, const nf::Kernel& kernel, const OpCase& c) {
        const Output expected = run_case(reference(), reference_kernel(c), c, Split::kWhole);
        const Output actual = run_case(subject, kernel, c, Split::kWhole);
        REQUIRE(actual.values.size() == expected.values.size());
        if (actual.state != expected.state) FAIL(describe(subject, kernel, c) + ": its state");
        const Tolerance allowed = tolerance(c.kind, subject.operand, actual.written);
        for (size_t i = 0; i < actual.values.size(); ++i) {
          if (close(actual.values[i], expected.values[i], allowed)) continue;
          FAIL(describe(subject, kernel, c) + ": element " + show(i) + " is " +
               show(actual.values[i]) + ", not " + show(expected.values[i]));
          break;
        }
      });
}

TEST("a split of the rows, their order and the workers change no bit") {
  for_each_case(scale(12, 300),
                [](const Subject& subject, const nf::Kernel& kernel, const OpCase& c) {
                  const Output whole = run_case(subject, kernel, c, Split::kWhole);
                  const Output pieces = run_case(subject, kernel, c, Split::kPieces);
                  const bool same = whole.bytes == pieces.bytes && whole.state == pieces.state;
                  if (!same) FAIL(describe(subject, kernel, c));
                });
}

TEST("a kernel writes the rows it was given and no others") {
  for_each_case(
      scale(12, 300), [](const Subject& subject, const nf::Kernel& kernel, const OpCase& c) {
        const Output whole = run_case(subject, kernel, c, Split::kWhole);
        const Output some = run_case(subject, kernel, c, Split::kMiddle);
        if (some.launched.empty()) return;
        const size_t width = whole.values.size() / whole.rows;
        const bool same =
            std::equal(some.values.begin() + std::ptrdiff_t(some.launched.begin * width),
                       some.values.begin() + std::ptrdiff_t(some.launched.end * width),
                       whole.values.begin() + std::ptrdiff_t(some.launched.begin * width));
        const bool others = untouched(some, 0, some.launched.begin) &&
                            untouched(some, some.launched.end, some.rows);
        if (!same || !others) FAIL(describe(subject, kernel, c));
      });
}

TEST("a kernel stays within the scratch it asks for") {
  for_each_case(scale(12, 300),
                [](const Subject& subject, const nf::Kernel& kernel, const OpCase& c) {
                  const Output output = run_case(subject, kernel, c, Split::kPieces);
                  if (!output.scratch_intact) FAIL(describe(subject, kernel, c));
                });
}

}  // namespace
}  // namespace test
