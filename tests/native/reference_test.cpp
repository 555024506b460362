// The reference kernels against cases worked out by hand and facts of mathematics. Everything else
// is measured against them, so this is where the chain of trust begins.
#include <cmath>

#include "check.h"
#include "core/penalty_counts.h"
#include "reference/kernels.h"
#include "reference/pack.h"
#include "shapes.h"

namespace test {
namespace {

using Floats = std::vector<float>;

void run(void (*kernel)(const nf::OpArgs&, nf::Lane&), const nf::OpArgs& args) {
  SerialLane lane(1, 4096);
  kernel(args, lane);
}

bool near(float a, double b) { return std::abs(double{a} - b) < 1e-6; }

TEST("reference gemm is a * w^T plus bias plus residual") {
  const Floats a{1, 2, 3, 4, 5, 6};       // [2, 3]
  const Floats weight{1, 0, 0, 1, 1, 1};  // [2, 3]
  const Floats bias{10, 20};
  const Floats residual{100, 200, 300, 400};  // [2, 2]
  Floats out(4);
  nf::OpArgs args;
  args.gemm = {{0, 2},  a.data(),   {weight.data(), 2, 3}, nullptr,
               nullptr, out.data(), nf::DType::kF32};
  run(nf::reference::gemm, args);
  CHECK((out == Floats{1, 6, 4, 15}));
  args.gemm.bias = bias.data();
  args.gemm.residual = residual.data();
  run(nf::reference::gemm, args);
  CHECK((out == Floats{111, 226, 314, 435}));
}

TEST("reference gemm keeps results within the cap, small ones nearly as they are") {
  const Floats a{1, 30};
  const Floats weight{2, 0.001f};  // [2, 1]
  Floats out(4);
  nf::OpArgs args;
  args.gemm = {{0, 2},  a.data(),   {weight.data(), 2, 1}, nullptr,
               nullptr, out.data(), nf::DType::kF32,       30};
  run(nf::reference::gemm, args);
  CHECK(near(out[0], 30 * std::tanh(2 / 30.0)));
  CHECK(near(out[1], 0.001));
  CHECK(near(out[2], 30 * std::tanh(2.0)));
}

TEST("reference gemm with the identity returns its input") {
  Random random(seed());
  constexpr uint32_t kWidth = 9;
  const Floats a = normal(random, size_t{4} * kWidth);
  Floats identity(size_t{kWidth} * kWidth);
  for (size_t i = 0; i < kWidth; ++i) {
    identity[i * (kWidth + 1)] = 1;
  }
  Floats out(a.size());
  nf::OpArgs args;
  args.gemm = {{0, 4},     a.data(),       {identity.data(), kWidth, kWidth}, nullptr, nullptr,
               out.data(), nf::DType::kF32};
  run(nf::reference::gemm, args);
  CHECK(out == a);
}

TEST("reference rms_norm gathers rows, and its result has rms one times the weight") {
  const Floats x{3, 4, 0, 0, 1, 1, 1, 1};  // [2, 4]
  const Floats weight{2, 1, 1, 1};
  const uint32_t gather[] = {1, 0};
  Floats out(8);
  nf::OpArgs args;
  args.rms_norm = {{0, 2}, gather, x.data(), weight.data(), out.data(), 4, 0.0f};
  run(nf::reference::rms_norm, args);
  CHECK((Floats(out.begin(), out.begin() + 4) == Floats{2, 1, 1, 1}));
  CHECK(near(out[4], 2 * 3 / 2.5));
  CHECK(near(out[5], 4 / 2.5));
}

TEST("reference rms_norm adds its result to the residual") {
  const Floats x{3, 4};
  const Floats weight{1, 2};
  const Floats residual{10, 20};
  Floats out(2);
  nf::OpArgs args;
  args.rms_norm = {{0, 1}, nullptr, x.data(), weight.data(), out.data(), 2, 0, residual.data()};
  run(nf::reference::rms_norm, args);
  const double rms = std::sqrt(12.5);
  CHECK(near(out[0], 10 + 3 / rms));
  CHECK(near(out[1], 20 + 8 / rms));
}

TEST("reference ge_glu is gelu(gate) * up by the tanh formula") {
  const Floats x{0, 1, -2, 5, 3, 4};  // gate, then up
  Floats out(3);
  nf::OpArgs args;
  args.glu = {{0, 1}, x.data(), out.data(), 3};
  run(nf::reference::ge_glu, args);
  CHECK_EQ(out[0], 0.0f);
  CHECK(near(out[1], 3 * 0.8411919906));
  CHECK(near(out[2], 4 * -0.0454023059));
}

TEST("reference swi_glu is silu(gate) * up") {
  const Floats x{0, 1, -2, 5, 3, 4};  // gate, then up
  Floats out(3);
  nf::OpArgs args;
  args.glu = {{0, 1}, x.data(), out.data(), 3};
  run(nf::reference::swi_glu, args);
  CHECK_EQ(out[0], 0.0f);
  CHECK(near(out[1], 3 / (1 + std::exp(-1.0))));
  CHECK(near(out[2], -8 / (1 + std::exp(2.0))));
}

// One kv head of size 4 and two query heads, on pages of 16 tokens.
struct SmallAttention {
  static constexpr uint32_t kHeadDim = 4;
  static constexpr uint32_t kHeads = 2;
  static constexpr size_t kQkv = size_t{kHeads + 2} * kHeadDim;

  SmallAttention(const std::vector<SequenceSpec>& specs, Random& random)
      : step(specs, {}, random),
        memory(step.num_pages() * nf::reference::kv_page_bytes(16, 1, kHeadDim)),
        q(size_t{step.num_rows()} * kHeads * kHeadDim),
        out(q.size()) {
    for (uint32_t position = 0; position < 64; ++position) {
      for (const double frequency : {1.0, 0.01}) {
        cos.push_back(float(std::cos(position * frequency)));
        sin.push_back(float(std::sin(position * frequency)));
      }
    }
  }

  void append(const Floats& qkv, const float* qk_norm = nullptr) {
    const nf::Batch batch = step.batch();
    nf::OpArgs args;
    args.rope_append = {
        {0, step.num_rows()},     &batch, qkv.data(), q.data(), view(),
        {cos.data(), sin.data()}, kHeads, qk_norm,    0.0f,     1.0f / std::sqrt(float(kHeadDim))};
    run(nf::reference::rope_append, args);
  }

  void attend(uint32_t window = 0) {
    const nf::Batch batch = step.batch();
    nf::OpArgs args;
    args.attention = {{0, step.num_rows()}, &batch, q.data(), view(), out.data(), kHeads, window};
    run(nf::reference::attention, args);
  }

  nf::KvView view() {
    return {memory.data(), nf::reference::kv_page_bytes(16, 1, kHeadDim), 16, 1, kHeadDim};
  }

  Step step;
  AlignedBytes memory;
  Floats cos;
  Floats sin;
  Floats q;
  Floats out;
};

TEST("reference rope leaves position zero alone and keeps norms and relative angles") {
  Random random(seed());
  SmallAttention attention({{0, 40, 0, 0}}, random);
  Floats row = normal(random, SmallAttention::kQkv);
  std::copy_n(row.begin(), 4, row.begin() + 8);  // key = first query
  Floats qkv;
  for (int i = 0; i < 40; ++i) {
    qkv.insert(qkv.end(), row.begin(), row.end());
  }
  attention.append(qkv);
  for (uint32_t i = 0; i < 8; ++i) {
    CHECK(near(attention.q[i], row[i] / 2));  // scaled by 1 / sqrt(4)
  }
  const auto dot = [&](uint32_t a, uint32_t b) {
    double sum = 0;
    for (uint32_t i = 0; i < 4; ++i) {
      sum += double{attention.q[a * 8 + i]} * double{attention.q[b * 8 + i]};
    }
    return sum;
  };
  for (uint32_t position = 1; position < 40; ++position) {
    CHECK(std::abs(dot(position, position) - dot(0, 0)) < 1e-5);
    CHECK(std::abs(dot(position, position - 1) - dot(1, 0)) < 1e-5);
  }
}

TEST("reference rope turns the first pair by one radian at position one") {
  Random random(seed());
  SmallAttention attention({{1, 1, 0, 0}}, random);
  attention.append({2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(near(attention.q[0], std::cos(1.0)));
  CHECK(near(attention.q[2], std::sin(1.0)));
  CHECK(near(attention.q[4], -std::sin(1.0)));
  CHECK(near(attention.q[6], std::cos(1.0)));
}

TEST("reference rope_append divides q and k by their rms and weights each its own way") {
  Random random(seed());
  SmallAttention attention({{0, 1, 0, 0}}, random);
  const Floats norm{1, 2, 1, 1, 10, 10, 10, 20};  // of q, of k
  attention.append({3, 4, 0, 0, 0, 0, 0, 5, 0, 4, 3, 0, 7, 7, 7, 7}, norm.data());
  CHECK(near(attention.q[0], 3 / 2.5 / 2));  // scaled by 1 / sqrt(4)
  CHECK(near(attention.q[1], 2 * 4 / 2.5 / 2));
  CHECK(near(attention.q[7], 5 / 2.5 / 2));
  const auto* page = reinterpret_cast<const float*>(attention.memory.data());
  CHECK(std::abs(page[1] - 10 * 4 / 2.5f) < 1e-5f);
  CHECK(std::abs(page[2] - 10 * 3 / 2.5f) < 1e-5f);
  CHECK_EQ(page[size_t{16} * 4], 7.0f);  // values stay as they are
}

TEST("reference attention through a window averages the last values only") {
  Random random(seed());
  SmallAttention attention({{0, 20, 0, 0}}, random);
  Floats qkv(20 * SmallAttention::kQkv);
  for (size_t row = 0; row < 20; ++row) {
    qkv[row * SmallAttention::kQkv + 12] = float(row);
  }
  attention.append(qkv);
  attention.attend(3);
  for (size_t row = 0; row < 20; ++row) {
    CHECK(near(attention.out[row * 8], row < 2 ? double(row) / 2 : double(row) - 1));
  }
  attention.attend(1);
  CHECK(near(attention.out[19 * 8], 19));
}

TEST("reference attention over one key returns its value") {
  Random random(seed());
  SmallAttention attention({{0, 1, 0, 0}}, random);
  const Floats qkv = normal(random, SmallAttention::kQkv);
  attention.append(qkv);
  attention.attend();
  CHECK(std::equal(qkv.end() - 4, qkv.end(), attention.out.begin()));
  CHECK(std::equal(qkv.end() - 4, qkv.end(), attention.out.begin() + 4));
}

TEST("reference attention weights sum to one on every row") {
  Random random(seed());
  SmallAttention attention({{0, 50, 0, 0}}, random);
  Floats qkv = normal(random, 50 * SmallAttention::kQkv);
  for (size_t row = 0; row < 50; ++row) {
    std::fill_n(qkv.begin() + std::ptrdiff_t(row * SmallAttention::kQkv + 12), 4, 1.0f);
  }
  attention.append(qkv);
  attention.attend();
  CHECK(std::all_of(attention.out.begin(), attention.out.end(),
                    [](float value) { return near(value, 1); }));
}

TEST("reference attention with equal keys averages the values up to its row") {
  Random random(seed());
  SmallAttention attention({{0, 20, 0, 0}}, random);
  Floats qkv(20 * SmallAttention::kQkv);
  for (size_t row = 0; row < 20; ++row) {
    qkv[row * SmallAttention::kQkv + 12] = float(row);
  }
  attention.append(qkv);
  attention.attend();
  for (size_t row = 0; row < 20; ++row) {
    CHECK(near(attention.out[row * 8], double(row) / 2));
  }
}

TEST("reference embedding copies rows and patches -1 with the slot's last token") {
  Random random(seed());
  Step step({{4, 1, 0, 0}, {0, 2, 2, 0}}, {.vocab = 3, .num_decode = 1}, random);
  step.tokens = {-1, 2, 0};
  step.last_tokens[step.sequences[0].slot] = 1;
  const Floats table{0, 1, 10, 11, 20, 21};  // [3, 2]
  Floats out(6);
  const nf::Batch batch = step.batch();
  nf::OpArgs args;
  args.embedding = {{0, 3}, &batch, {table.data(), 3, 2}, out.data()};
  run(nf::reference::embedding, args);
  CHECK((out == Floats{10, 11, 20, 21, 0, 1}));
}

TEST("reference embedding counts prompt and output tokens of counted sequences") {
  Random random(seed());
  constexpr uint32_t kFresh = NF_SEQUENCE_COUNT | NF_SEQUENCE_RESET;
  Step step({{0, 4, 2, kFresh}, {8, 1, 0, NF_SEQUENCE_COUNT}, {0, 1, 1, NF_SEQUENCE_RESET}},
            {.vocab = 3}, random);
  step.tokens = {0, 1, 1, 1, 2, 0};
  step.penalty_counts.assign(9, 0x7fff);
  const Floats table(3);
  Floats out(6);
  const nf::Batch batch = step.batch();
  nf::OpArgs args;
  args.embedding = {{0, 6}, &batch, {table.data(), 3, 1}, out.data()};
  run(nf::reference::embedding, args);
  const auto counts_of = [&](uint32_t sequence) {
    const auto begin =
        step.penalty_counts.begin() + std::ptrdiff_t{3} * step.sequences[sequence].slot;
    return std::vector<uint16_t>(begin, begin + 3);
  };
  CHECK((counts_of(0) == std::vector<uint16_t>{nf::kInPrompt, nf::kInPrompt | 2, 0}));
  CHECK((counts_of(1) == std::vector<uint16_t>(3, 0x7fff)));  // saturated
  CHECK((counts_of(2) == std::vector<uint16_t>(3, 0x7fff)));  // not counted: left alone
}

TEST("reference echo says the next token of the vocabulary") {
  Random random(seed());
  Step step({{4, 1, 0, NF_SEQUENCE_SAMPLE}, {0, 3, 3, 0}, {0, 2, 2, NF_SEQUENCE_SAMPLE}},
            {.vocab = 5, .num_decode = 1}, random);
  step.tokens = {-1, 0, 0, 0, 0, 2};
  step.last_tokens[step.sequences[0].slot] = 4;
  const nf::Batch batch = step.batch();
  nf::OpArgs args;
  args.echo = {{0, 2}, &batch, 5};
  run(nf::reference::echo, args);
  CHECK((step.out_tokens == std::vector<int32_t>{0, 3}));
  CHECK((step.out_logprobs == Floats{0, 0}));
  CHECK_EQ(step.last_tokens[step.sequences[0].slot], 0);
  CHECK_EQ(step.last_tokens[step.sequences[2].slot], 3);
  CHECK_EQ(step.out_top_tokens[0], 0);
  CHECK_EQ(step.out_top_tokens[1], -1);
}

TEST("reference packing widens every source dtype and places rows") {
  const float f32[] = {1.5f, -2.0f};
  const uint16_t bf16[] = {nf::to_bf16(1.5f).bits, nf::to_bf16(-2.0f).bits};
  const uint16_t f16[] = {0x3e00, 0xc000};
  const std::pair<nf::DType, const void*> sources[] = {
      {nf::DType::kF32, f32}, {nf::DType::kBF16, bf16}, {nf::DType::kF16, f16}};
  for (const auto& [dtype, source] : sources) {
    Floats packed(6);
    CHECK_EQ(nf::reference::matrix_bytes(3, 2), sizeof(float) * packed.size());
    nf::reference::pack_matrix({3, 2, 1, 1, dtype}, source,
                               reinterpret_cast<std::byte*>(packed.data()));
    CHECK((packed == Floats{0, 0, 1.5f, -2.0f, 0, 0}));
  }
}

}  // namespace
}  // namespace test
