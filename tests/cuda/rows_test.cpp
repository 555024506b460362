// What the cases of all backends do not reach: the bytes of KV pages, the penalty counts of long
// prompts, and routing by logits that are equal, infinite or no numbers.
#include <bit>
#include <cmath>
#include <limits>

#include "case_lane.h"
#include "case_run.h"
#include "check.h"
#include "core/penalty_counts.h"
#include "core/routing.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kv_page.h"
#include "subjects.h"
#include "tolerance.h"

namespace test {
namespace {

using nf::DType;
using nf::OpKind;

const nf::Kernel& kernel_of(const Subject& subject, OpKind kind) {
  for (const nf::Kernel& kernel : subject.kernels) {
    if (kernel.kind == kind) return kernel;
  }
  abandon(__FILE__, __LINE__, "no such kernel");
}

// The pages behind the values of an output.
const std::byte* pages_of(const Output& output) {
  return output.bytes.data() + output.values.size() * size_of(output.written);
}

// Columns behind the dimensions of a head.
bool padding_is_zero(const nf::cuda::KvPage& page, const std::byte* begin, const std::byte* end) {
  for (; begin != end; begin += page.bytes()) {
    for (uint32_t column = page.head_dim; column < page.padded_dim(); ++column) {
      for (uint32_t head = 0; head < page.num_kv_heads; ++head) {
        for (uint32_t token = 0; token < page.page_tokens; ++token) {
          for (const size_t part : {size_t{0}, size_t{page.half_tile()}}) {
            const std::byte* element = begin + 2 * (page.key(head, token, column) + part);
            if (element[0] != std::byte{0} || element[1] != std::byte{0}) return false;
          }
        }
      }
    }
  }
  return true;
}

TEST("keys and values stand in the pages as kv_page.h says, and the padding stays zero") {
  constexpr uint32_t kPageTokens = 16;  // of the cases
  const Subject expects = reference();
  Random random(seed());
  for (const Subject& subject : subjects()) {
    for (int i = 0; i < scale(6, 100); ++i) {
      const OpCase c = random_case(OpKind::kRopeAppend, DType::kPlain, random);
      const Output expected = run_case(expects, kernel_of(expects, c.kind), c, Split::kWhole);
      const Output actual = run_case(subject, kernel_of(subject, c.kind), c, Split::kWhole);
      const nf::cuda::KvPage page{kPageTokens, c.shape.num_kv_heads, c.shape.head_dim};
      const size_t page_values = 2 * size_t{page.num_kv_heads} * kPageTokens * page.head_dim;
      const size_t used = expected.bytes.size() - expected.values.size() * 4;
      const auto at = [&](size_t number, size_t element) {
        return load(subject.operand,
                    pages_of(actual) + number * page.bytes() + element * sizeof(uint16_t));
      };
      for (size_t value = 0; value < used / 4; ++value) {
        const size_t within = value % page_values;
        const auto column = uint32_t(within % page.head_dim);
        const auto token = uint32_t(within / page.head_dim % kPageTokens);
        const auto head = uint32_t(within / page.head_dim / kPageTokens % page.num_kv_heads);
        const bool is_value = within >= page_values / 2;
        const float wanted = load(DType::kF32, pages_of(expected) + value * 4);
        const float found = at(value / page_values,
                               page.key(head, token, column) + (is_value ? page.half_tile() : 0));
        REQUIRE(std::abs(found - wanted) <= 1e-6f + std::abs(wanted) / 200);
      }
      REQUIRE(padding_is_zero(page, pages_of(actual),
                              pages_of(actual) + used / 4 / page_values * page.bytes()));
    }
  }
}

TEST("wide rows match the reference") {
  const Subject expects = reference();
  Random random(seed());
  for (const OpKind kind : {OpKind::kEmbedding, OpKind::kRmsNorm, OpKind::kSwiGlu, OpKind::kPool}) {
    for (const uint32_t width : {1000u, 3001u, 9216u}) {
      const OpCase c{kind, {.out = width, .in = 5}, random()};
      const Output expected = run_case(expects, kernel_of(expects, kind), c, Split::kWhole);
      for (const Subject& subject : subjects()) {
        const Output actual = run_case(subject, kernel_of(subject, kind), c, Split::kWhole);
        const Tolerance allowed = tolerance(kind, subject.operand, actual.written);
        REQUIRE(actual.values.size() == expected.values.size());
        for (size_t i = 0; i < actual.values.size(); ++i) {
          const float wanted = expected.values[i];
          REQUIRE(std::abs(actual.values[i] - wanted) <=
                  allowed.absolute + allowed.relative * std::abs(wanted));
        }
      }
    }
  }
}

// A prompt of many rows in which tokens come again, and what its sequence has said since.
TEST("the counts of a long step are those of counting row by row") {
  constexpr uint32_t kVocab = 37;
  constexpr uint32_t kHidden = 8;
  Random random(seed());
  for (const uint32_t prompt : {0u, 1u, 700u, 1500u, 2000u}) {
    Step step({{100, 1500, 100 + prompt, NF_SEQUENCE_COUNT}}, {.vocab = kVocab}, random);
    for (uint32_t token = 0; token < kVocab; ++token) {
      step.penalty_counts[token] = token % 2 == 0 ? 3 : 0x7ff0;  // the end of what is counted
    }
    std::vector<uint16_t> expected = step.penalty_counts;
    nf::Batch batch = step.batch();
    batch.penalty_counts = expected.data();
    nf::count_sequence_tokens(batch, 0, kVocab);
    batch.penalty_counts = step.penalty_counts.data();
    const AlignedBytes table(kVocab * kHidden * sizeof(uint16_t));
    std::vector<float> out(1500 * kHidden);
    nf::OpArgs args;
    args.embedding = {{0, 1500}, &batch, {table.data(), kVocab, kHidden}, out.data(), 1.0f};
    const auto lane = open_cuda_lane(2, 0);
    nf::cuda::embedding<DType::kBF16>(args, lane->lane());
    lane->finish();
    CHECK(step.penalty_counts == expected);
  }
}

TEST("routes of equal, infinite and missing logits are those of routing.h") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kValues[] = {0.0f, -0.0f, 1.0f, -1.0f, -kInfinity, std::nanf("")};
  Random random(seed());
  for (int i = 0; i < scale(60, 1000); ++i) {
    const uint32_t experts = pick(random, 1, i % 4 == 0 ? NF_MAX_EXPERTS : 40);
    const uint32_t slots = pick(random, 1, std::min<uint32_t>(experts, NF_MAX_EXPERTS_PER_TOKEN));
    const uint32_t kinds = pick(random, 0, 5);
    std::vector<float> logits(experts);
    for (float& logit : logits) logit = kValues[pick(random, 0, kinds)];
    std::vector<uint32_t> expected(2 * slots);
    std::vector<uint32_t> actual(2 * slots);
    nf::route_row(logits.data(), experts, slots, false, expected.data());
    nf::OpArgs args;
    args.route = {{0, 1}, logits.data(), actual.data(), experts, slots, false};
    const auto lane = open_cuda_lane(1, 0);
    nf::cuda::route<DType::kBF16>(args, lane->lane());
    lane->finish();
    for (uint32_t slot = 0; slot < slots; ++slot) {
      CHECK_EQ(actual[slot], expected[slot]);
      const auto wanted = std::bit_cast<float>(expected[slots + slot]);
      const auto found = std::bit_cast<float>(actual[slots + slot]);
      CHECK(std::isnan(wanted) ? std::isnan(found) : std::abs(found - wanted) <= 1e-6f);
    }
  }
}

}  // namespace
}  // namespace test
