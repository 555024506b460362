// The kernels bound by memory: norm, activation, rotation, embedding with its penalty counts, echo.
#include <cmath>

#include "cpu/kernels/kv_page.h"
#include "cpu/kernels/vec_math.h"
#include "cpu/kernels/vec_scalar.h"
#include "cpu/pack.h"
#include "cpu_fixture.h"

using namespace nf;
using test::Isa;
using test::Random;

namespace {

constexpr double kBf16 = 1.0 / 256;  // a value rounded to bf16 is off by this at most

bool close(uint16_t got, double want, double slack = 1e-5) {
  return std::fabs(double{test::widen_bf16(got)} - want) <=
         (kBf16 + slack) * std::fabs(want) + 1e-6;
}

OpShape width_shape(uint32_t width) {
  OpShape shape;
  shape.out = width;
  return shape;
}

// One step with its buffers.
struct Step {
  explicit Step(std::vector<nf_sequence> list) : sequences(std::move(list)) {
    for (uint32_t s = 0; s < sequences.size(); ++s) {
      for (uint32_t i = 0; i < sequences[s].row_count; ++i) {
        row_sequence.push_back(s);
        row_position.push_back(sequences[s].position + i);
      }
    }
    batch.num_rows = static_cast<uint32_t>(row_sequence.size());
    batch.num_sequences = static_cast<uint32_t>(sequences.size());
    batch.row_sequence = row_sequence.data();
    batch.row_position = row_position.data();
    batch.sequences = sequences.data();
  }

  std::vector<nf_sequence> sequences;
  std::vector<uint32_t> row_sequence, row_position;
  Batch batch;
};

nf_sequence sequence(uint32_t slot, uint32_t position, uint32_t rows, uint32_t prompt,
                     uint32_t flags) {
  nf_sequence s{};
  s.slot = slot;
  s.position = position;
  s.row_count = rows;
  s.prompt_tokens = prompt;
  s.flags = flags;
  return s;
}

float scalar_exp(float x) { return cpu::exp<cpu::Scalar>(cpu::Scalar::set1(x))[0]; }
float scalar_tanh(float x) { return cpu::tanh<cpu::Scalar>(cpu::Scalar::set1(x))[0]; }

double silu(double x) { return x / (1 + std::exp(-x)); }
double gelu(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

}  // namespace

TEST("cpu: exp is within 2 ulp, exactly 1 at 0 and exactly 0 far below") {
  double worst = 0;
  for (int i = 0; i <= 200000; ++i) {
    const auto x = static_cast<float>(-86.0 + 174.0 * i / 200000);
    const double want = std::exp(double{x});
    const double ulp = std::ldexp(1.0, std::ilogb(want) - 23);
    worst = std::max(worst, std::fabs(double{scalar_exp(x)} - want) / ulp);
  }
  CHECK(worst <= 2.0);
  CHECK_EQ(scalar_exp(0.0f), 1.0f);
  CHECK_EQ(scalar_exp(-87.0f), 0.0f);
  CHECK_EQ(scalar_exp(-INFINITY), 0.0f);
  CHECK_EQ(scalar_exp(INFINITY), scalar_exp(88.0f));
  CHECK(std::isnan(scalar_exp(NAN)));
}

TEST("cpu: tanh is within 4 ulp, odd around 0 and 1 from far above") {
  double worst = 0;
  for (int i = 0; i <= 200000; ++i) {
    const auto x = static_cast<float>(i < 100000 ? std::ldexp(1.0, -i / 1000) : i / 2e4 - 7.5);
    const double want = std::tanh(double{x});
    if (want == 0) continue;
    const double ulp = std::ldexp(1.0, std::ilogb(want) - 23);
    worst = std::max(worst, std::fabs(double{scalar_tanh(x)} - want) / ulp);
  }
  CHECK(worst <= 4.0);
  CHECK_EQ(scalar_tanh(0.0f), 0.0f);
  CHECK_EQ(scalar_tanh(1e-20f), 1e-20f);
  CHECK_EQ(scalar_tanh(INFINITY), 1.0f);
  CHECK_EQ(scalar_tanh(-INFINITY), -1.0f);
  CHECK(std::isnan(scalar_tanh(NAN)));
}

TEST("cpu: rms_norm equals its formula for any width, with and without gather") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (const uint32_t hidden : {1u, 3u, 15u, 16u, 17u, 64u, 79u, 200u, 1025u}) {
      const uint32_t rows = 70;
      const auto x = test::draw_floats(random, size_t{rows} * hidden, 3.0f);
      const auto weight = test::draw_floats(random, hidden);
      const std::vector<uint32_t> gather = {69, 0, 13};
      for (const bool gathered : {false, true}) {
        const uint32_t count = gathered ? 3 : rows;
        std::vector<uint16_t> out(size_t{count} * hidden + 1, 0x1234);
        OpArgs args;
        args.rms_norm = {{1, count}, gathered ? gather.data() : nullptr,
                         x.data(),   weight.data(),
                         out.data(), hidden,
                         1e-5f};
        test::launch(isa, OpKind::kRmsNorm, width_shape(hidden), args, 2);
        CHECK_EQ(out[0], 0x1234);  // row 0 is not in the range
        CHECK_EQ(out.back(), 0x1234);
        for (uint32_t r = 1; r < count; ++r) {
          const float* source = x.data() + size_t{gathered ? gather[r] : r} * hidden;
          double sum = 0;
          for (uint32_t i = 0; i < hidden; ++i) sum += double{source[i]} * double{source[i]};
          const double scale = 1 / std::sqrt(sum / hidden + 1e-5);
          for (uint32_t i = 0; i < hidden; ++i) {
            const double want = double{source[i]} * scale * double{weight[i]};
            REQUIRE(close(out[size_t{r} * hidden + i], want));
          }
        }
      }
    }
  }
}

TEST("cpu: gated units equal their formulas from large negative to large positive gates") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (const uint32_t width : {1u, 7u, 16u, 33u, 1000u, 20000u}) {
      const uint32_t rows = 3;
      auto x = test::draw_floats(random, size_t{rows} * 2 * width, 8.0f);
      x[0] = -300.0f;
      x[2 * width] = 300.0f;
      for (const OpKind kind : {OpKind::kSwiGlu, OpKind::kGeGlu}) {
        std::vector<uint16_t> out(size_t{rows} * width + 1, 0x1234);
        OpArgs args;
        args.glu = {{0, rows}, x.data(), out.data(), width};
        test::launch(isa, kind, width_shape(width), args, 2);
        CHECK_EQ(out.back(), 0x1234);
        for (uint32_t i = 0; i < rows * width; ++i) {
          const size_t at = size_t{i / width} * 2 * width + i % width;
          const double g = double{x[at]};
          const double activated = kind == OpKind::kSwiGlu ? silu(g) : gelu(g);
          REQUIRE(close(out[i], activated * double{x[at + width]}));
        }
      }
    }
  }
}

TEST("cpu: rope_append rotates halves by position and lays keys and values into pages") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (const uint32_t dim : {2u, 48u, 64u, 80u, 128u}) {
      const uint32_t heads = 3, kv_heads = 2, page_tokens = 16, rows = 20, first = 13;
      const uint32_t width = (heads + 2 * kv_heads) * dim;
      const auto qkv = test::draw_floats(random, size_t{rows} * width);
      std::vector<float> cos, sin;
      for (uint32_t i = 0; i < 64 * dim / 2; ++i) {
        const double angle = (i / (dim / 2)) * std::pow(1e4, -2.0 * (i % (dim / 2)) / dim);
        cos.push_back(static_cast<float>(std::cos(angle)));
        sin.push_back(static_cast<float>(std::sin(angle)));
      }
      Step step({sequence(0, first, rows, 64, 0)});
      const std::vector<uint32_t> table = {2, 0, 1};
      step.batch.pages = table.data();
      const size_t page_bytes = cpu::kv_page_bytes(page_tokens, kv_heads, dim);
      test::AlignedBytes pages(3 * page_bytes);
      std::memset(pages.data(), 0xff, pages.size());
      std::vector<uint16_t> q(size_t{rows} * heads * dim);
      OpArgs args;
      args.rope_append = {{0, rows},
                          &step.batch,
                          qkv.data(),
                          q.data(),
                          {pages.data(), page_bytes, page_tokens, kv_heads, dim},
                          {cos.data(), sin.data()},
                          heads,
                          nullptr,
                          0.0f,
                          1 / std::sqrt(static_cast<float>(dim))};
      OpShape shape;
      shape.head_dim = dim;
      test::launch(isa, OpKind::kRopeAppend, shape, args, 2);

      const auto rotated = [&](const float* x, uint32_t position, uint32_t d) {
        const uint32_t i = d % (dim / 2);
        const double c = double{cos[position * (dim / 2) + i]};
        const double s = double{sin[position * (dim / 2) + i]};
        const double a = double{x[i]}, b = double{x[i + dim / 2]};
        return d < dim / 2 ? a * c - b * s : b * c + a * s;
      };
      const cpu::KvPage layout{page_tokens, kv_heads, dim};
      for (uint32_t r = 0; r < rows; ++r) {
        const float* row = qkv.data() + size_t{r} * width;
        const uint32_t position = first + r, token = position % page_tokens;
        for (uint32_t i = 0; i < heads * dim; ++i) {
          const double want = rotated(row + i / dim * dim, position, i % dim) / std::sqrt(dim);
          REQUIRE(std::fabs(double{test::widen_bf16(q[r * heads * dim + i])} - want) <=
                  kBf16 * std::fabs(want) + 1e-6);
        }
        const auto* page = reinterpret_cast<const uint16_t*>(
            pages.data() + table[position / page_tokens] * page_bytes);
        for (uint32_t i = 0; i < kv_heads * dim; ++i) {
          const uint32_t h = i / dim, d = i % dim;
          const float* k = row + heads * dim;
          const double want = rotated(k + h * dim, position, d);
          const size_t key = 2 * (layout.key(h, token) + d / 2 * 16) + d % 2;
          REQUIRE(std::fabs(double{test::widen_bf16(page[key])} - want) <=
                  kBf16 * std::fabs(want) + 1e-6);
          const size_t value =
              2 * (layout.value(h, token) + d / 32 * layout.value_panel_words() + d % 32) +
              token % 2;
          REQUIRE(page[value] == test::round_bf16(k[kv_heads * dim + i]));
          // Position 32 is the last: the other half of its pair is cleared.
          if (r == rows - 1) REQUIRE(page[value + 1] == 0);
        }
      }
    }
  }
}

TEST("cpu: rope_append normalises heads as rms_norm does, before it rotates them") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (const uint32_t dim : {2u, 24u, 64u, 80u, 128u, 256u}) {
      const uint32_t heads = 3, kv_heads = 2, rows = 5;
      const uint32_t width = (heads + 2 * kv_heads) * dim;
      const auto qkv = test::draw_floats(random, size_t{rows} * width, 3.0f);
      const auto weight = test::draw_floats(random, 2 * dim);
      // The norm alone: position 0 of a table of no rotation, scaled by 1 / sqrt(D).
      const std::vector<float> cos(size_t{rows} * dim / 2, 1.0f), sin(cos.size(), 0.0f);
      Step step({sequence(0, 0, rows, 64, 0)});
      const uint32_t table[] = {0};
      step.batch.pages = table;
      const size_t page_bytes = cpu::kv_page_bytes(16, kv_heads, dim);
      test::AlignedBytes pages(page_bytes);
      std::vector<uint16_t> q(size_t{rows} * heads * dim);
      OpArgs args;
      args.rope_append = {{0, rows},
                          &step.batch,
                          qkv.data(),
                          q.data(),
                          {pages.data(), page_bytes, 16, kv_heads, dim},
                          {cos.data(), sin.data()},
                          heads,
                          weight.data(),
                          1e-5f,
                          1 / std::sqrt(static_cast<float>(dim))};
      OpShape shape;
      shape.head_dim = dim;
      test::launch(isa, OpKind::kRopeAppend, shape, args, 2);
      const cpu::KvPage layout{16, kv_heads, dim};
      const auto* page = reinterpret_cast<const uint16_t*>(pages.data());
      for (uint32_t i = 0; i < rows * (heads + kv_heads) * dim; ++i) {
        const uint32_t row = i / ((heads + kv_heads) * dim);
        const uint32_t head = i / dim % (heads + kv_heads), d = i % dim;
        const bool is_q = head < heads;
        const float* x = qkv.data() + size_t{row} * width + head * dim;
        double sum = 0;
        for (uint32_t j = 0; j < dim; ++j) sum += double{x[j]} * double{x[j]};
        const double normed =
            double{x[d]} / std::sqrt(sum / dim + 1e-5) * double{weight[is_q ? d : dim + d]};
        if (is_q) {
          REQUIRE(close(q[(row * heads + head) * dim + d], normed / std::sqrt(dim)));
        } else {
          const size_t key = 2 * (layout.key(head - heads, row) + d / 2 * 16) + d % 2;
          REQUIRE(close(page[key], normed));
        }
      }
    }
  }
}

TEST("cpu: embedding copies rows of the packed table and patches the last sampled token") {
  Random random(test::seed());
  const uint32_t vocab = 77, hidden = 45;
  const auto source = test::round_all(test::draw_floats(random, vocab * hidden));
  test::AlignedBytes packed(cpu::matrix_bytes(vocab, hidden));
  cpu::pack_matrix({vocab, hidden, 0, vocab, DType::kBF16}, source.data(), packed.data());
  Step step({sequence(3, 9, 1, 5, 0), sequence(1, 0, 10, 10, 0)});
  std::vector<int32_t> tokens = {-1, 0, 1, 2, 76, 75, 33, 32, 31, 50, 2};
  std::vector<int32_t> last_tokens = {0, 0, 0, 64};
  step.batch.tokens = tokens.data();
  step.batch.last_tokens = last_tokens.data();
  std::vector<float> out(size_t{step.batch.num_rows} * hidden, -5.0f);
  OpArgs args;
  args.embedding = {{0, 10}, &step.batch, {packed.data(), vocab, hidden}, out.data()};
  test::launch(Isa::kScalar, OpKind::kEmbedding, {}, args, 3);
  for (uint32_t r = 0; r < 10; ++r) {
    const auto token = static_cast<uint32_t>(r == 0 ? 64 : tokens[r]);
    for (uint32_t i = 0; i < hidden; ++i) {
      CHECK_EQ(out[r * hidden + i], test::widen_bf16(source[token * hidden + i]));
    }
  }
  CHECK_EQ(out[10 * hidden], -5.0f);
}

TEST("cpu: embedding counts tokens once, however the step is cut into nano-batches") {
  const uint32_t vocab = 8, hidden = 4;
  test::AlignedBytes packed(cpu::matrix_bytes(vocab, hidden));
  const uint32_t counted = NF_SEQUENCE_COUNT, fresh = NF_SEQUENCE_COUNT | NF_SEQUENCE_RESET;
  for (uint32_t cut = 0; cut <= 9; ++cut) {
    // A decode row, a fresh prompt whose output starts at position 3, and one that is not counted.
    Step step({sequence(2, 30, 1, 20, counted), sequence(0, 0, 6, 3, fresh),
               sequence(1, 0, 2, 2, NF_SEQUENCE_RESET)});
    std::vector<int32_t> tokens = {-1, 5, 6, 5, 5, 5, 7, 1, 1};
    std::vector<int32_t> last_tokens = {0, 0, 4};
    std::vector<uint16_t> counts(3 * vocab, 9);
    counts[2 * vocab + 4] = 0x7fff;
    step.batch.tokens = tokens.data();
    step.batch.last_tokens = last_tokens.data();
    step.batch.penalty_counts = counts.data();
    std::vector<float> out(9 * hidden);
    OpArgs args;
    for (const RowRange rows : {RowRange{cut, 9}, RowRange{0, cut}}) {
      args.embedding = {rows, &step.batch, {packed.data(), vocab, hidden}, out.data()};
      test::launch(Isa::kScalar, OpKind::kEmbedding, {}, args, 2);
    }
    CHECK_EQ(counts[2 * vocab + 4], 0x7fff);  // saturated
    CHECK_EQ(counts[2 * vocab + 3], 9);
    const std::vector<uint16_t> own(counts.begin(), counts.begin() + vocab);
    CHECK((own == std::vector<uint16_t>{0, 0, 0, 0, 0, kInPrompt | 2, kInPrompt, 1}));
    CHECK_EQ(counts[vocab + 1], 9);  // not asked to count: not touched
  }
}

TEST("cpu: echo answers with the next token") {
  Step step({sequence(1, 4, 1, 2, NF_SEQUENCE_SAMPLE), sequence(0, 0, 2, 2, NF_SEQUENCE_SAMPLE)});
  std::vector<int32_t> tokens = {-1, 3, 9}, last_tokens = {0, 6}, drawn(2),
                       top(2 * NF_MAX_LOGPROBS);
  std::vector<float> logprobs(2, 1.0f), top_logprobs(2 * NF_MAX_LOGPROBS);
  const std::vector<uint32_t> sample_row = {0, 2};
  const std::vector<nf_sampling> sampling(2);
  step.batch.sampling = sampling.data();
  step.batch.tokens = tokens.data();
  step.batch.last_tokens = last_tokens.data();
  step.batch.sample_row = sample_row.data();
  step.batch.out_tokens = drawn.data();
  step.batch.out_logprobs = logprobs.data();
  step.batch.out_top_tokens = top.data();
  step.batch.out_top_logprobs = top_logprobs.data();
  OpArgs args;
  args.echo = {{0, 2}, &step.batch, 10};
  test::launch(Isa::kScalar, OpKind::kEcho, width_shape(10), args);
  CHECK((drawn == std::vector<int32_t>{7, 0}));
  CHECK((last_tokens == std::vector<int32_t>{0, 7}));
  CHECK_EQ(logprobs[1], 0.0f);
  CHECK_EQ(top[NF_MAX_LOGPROBS], 0);
  CHECK_EQ(top[1], -1);
}
