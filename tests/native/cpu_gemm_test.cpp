// GEMM of every instruction set against a double loop, and its independence of how it is cut.
#include <cmath>

#include "cpu/pack.h"
#include "cpu_fixture.h"

using namespace nf;
using test::Isa;
using test::Random;

namespace {

struct Problem {
  Problem(Random& random, uint32_t rows_, uint32_t out_, uint32_t in_)
      : rows(rows_),
        out(out_),
        in(in_),
        a(test::round_all(test::draw_floats(random, size_t{rows_} * in_))),
        w(test::round_all(test::draw_floats(random, size_t{out_} * in_))),
        bias(test::draw_floats(random, out_)),
        residual(test::draw_floats(random, size_t{rows_} * out_)),
        packed(cpu::matrix_bytes(out_, in_)) {
    cpu::pack_matrix({out, in, 0, out, DType::kBF16}, w.data(), packed.data());
  }

  GemmArgs args(RowRange range, void* to, DType dtype, bool with_bias, bool with_residual) {
    return {range,
            a.data(),
            {packed.data(), out, in},
            with_bias ? bias.data() : nullptr,
            with_residual ? residual.data() : nullptr,
            to,
            dtype};
  }

  uint32_t rows, out, in;
  std::vector<uint16_t> a, w;
  std::vector<float> bias, residual;
  test::AlignedBytes packed;
};

void run(Isa isa, Problem& problem, const GemmArgs& gemm, uint32_t units = 1,
         OpKind kind = OpKind::kGemm) {
  OpArgs args;
  args.gemm = gemm;
  OpShape shape;
  shape.out = problem.out;
  shape.in = problem.in;
  test::launch(isa, kind, shape, args, units);
}

// act(gate) * up by a GEMM and a GLU kernel.
std::vector<uint16_t> two_kernels(Isa isa, Problem& p, OpKind glu, bool with_bias) {
  std::vector<float> products(size_t{p.rows} * p.out);
  run(isa, p, p.args({0, p.rows}, products.data(), DType::kF32, with_bias, false));
  std::vector<uint16_t> out(products.size() / 2);
  OpArgs args;
  args.glu = {{0, p.rows}, products.data(), out.data(), p.out / 2};
  OpShape shape;
  shape.out = p.out / 2;
  test::launch(isa, glu, shape, args);
  return out;
}

struct Expected {
  double value;
  double magnitude;  // sum of the absolute products
};

Expected expect(const Problem& p, uint32_t row, uint32_t column) {
  Expected e{0, 0};
  for (uint32_t k = 0; k < p.in; ++k) {
    const double product = double{test::widen_bf16(p.a[size_t{row} * p.in + k])} *
                           double{test::widen_bf16(p.w[size_t{column} * p.in + k])};
    e.value += product;
    e.magnitude += std::fabs(product);
  }
  return e;
}

// Every element of `got` within the rounding of its sum; `relative` is that of the stored type.
template <typename Read>
void check_all(const Problem& p, bool with_bias, bool with_residual, double relative, Read got) {
  for (uint32_t r = 0; r < p.rows; ++r) {
    for (uint32_t c = 0; c < p.out; ++c) {
      Expected e = expect(p, r, c);
      if (with_bias) e.value += double{p.bias[c]};
      if (with_residual) e.value += double{p.residual[size_t{r} * p.out + c]};
      const double error = std::fabs(double{got(size_t{r} * p.out + c)} - e.value);
      REQUIRE(error <= 1e-5 * (e.magnitude + 2) + relative * std::fabs(e.value));
    }
  }
}

std::vector<float> reference_bits(Isa isa, Problem& p) {
  std::vector<float> out(size_t{p.rows} * p.out);
  run(isa, p, p.args({0, p.rows}, out.data(), DType::kF32, true, true));
  return out;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST("cpu: gemm equals a double loop for any shape, bias and residual") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (uint32_t rows = 1; rows <= 40; ++rows) {
      Problem p(random, rows, test::pick(random, 1, 100), 2 * test::pick(random, 1, 60));
      const bool with_bias = rows % 2 == 0;
      const bool with_residual = rows % 3 == 0;
      std::vector<float> out(size_t{rows} * p.out + 1, -7.0f);
      run(isa, p, p.args({0, rows}, out.data(), DType::kF32, with_bias, with_residual), 2);
      check_all(p, with_bias, with_residual, 0, [&](size_t i) { return out[i]; });
      CHECK_EQ(out.back(), -7.0f);
    }
  }
}

TEST("cpu: gemm equals a double loop when the reduced dimension takes several blocks") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (const uint32_t rows : {3u, 13u, 100u}) {
      Problem p(random, rows, 37, 2 * 1031);
      std::vector<float> out(size_t{rows} * p.out);
      run(isa, p, p.args({0, rows}, out.data(), DType::kF32, false, false), 3);
      check_all(p, false, false, 0, [&](size_t i) { return out[i]; });
    }
  }
}

TEST("cpu: gemm rounds its result to bf16 when asked") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    Problem p(random, 9, 45, 34);
    std::vector<uint16_t> out(size_t{p.rows} * p.out + 1, 0x4321);
    run(isa, p, p.args({0, p.rows}, out.data(), DType::kBF16, true, false));
    check_all(p, true, false, 1.0 / 256, [&](size_t i) { return test::widen_bf16(out[i]); });
    CHECK_EQ(out.back(), 0x4321);
  }
}

TEST("cpu: a gemm row has the same bits alone, in any range and with any workers") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    // 300 columns and 1100 inputs: several tasks and several blocks.
    Problem p(random, 110, 300, 1100);
    const auto whole = reference_bits(isa, p);
    for (const uint32_t units : {2u, 3u, 16u}) {
      std::vector<float> out(whole.size());
      run(isa, p, p.args({0, p.rows}, out.data(), DType::kF32, true, true), units);
      CHECK(same_bits(out, whole));
    }
    std::vector<float> pieces(whole.size());
    for (uint32_t begin = 0; begin < p.rows;) {
      const uint32_t end = std::min(p.rows, begin + test::pick(random, 1, 30));
      run(isa, p, p.args({begin, end}, pieces.data(), DType::kF32, true, true), 2);
      begin = end;
    }
    CHECK(same_bits(pieces, whole));
    std::vector<float> single(whole.size());
    for (uint32_t r = 0; r < p.rows; ++r) {
      run(isa, p, p.args({r, r + 1}, single.data(), DType::kF32, true, true));
    }
    CHECK(same_bits(single, whole));
  }
}

TEST("cpu: gemm writes the rows of its range and no others") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    Problem p(random, 20, 33, 10);
    std::vector<float> out(size_t{p.rows} * p.out, 99.0f);
    run(isa, p, p.args({5, 12}, out.data(), DType::kF32, false, false), 2);
    for (uint32_t i = 0; i < p.rows * p.out; ++i) {
      CHECK((out[i] == 99.0f) == (i / p.out < 5 || i / p.out >= 12));
    }
    run(isa, p, p.args({4, 4}, out.data(), DType::kF32, false, false));
    CHECK_EQ(out[4 * 33], 99.0f);
  }
}

TEST("cpu: gemm may add a residual in place") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    Problem p(random, 14, 65, 20);
    const auto expected = reference_bits(isa, p);
    std::vector<float> out = p.residual;
    GemmArgs args = p.args({0, p.rows}, out.data(), DType::kF32, true, false);
    args.residual = out.data();
    run(isa, p, args, 3);
    CHECK(same_bits(out, expected));
  }
}

TEST("cpu: a gemm that ends in a gated unit has the bits of the two kernels") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (const uint32_t rows : {1u, 7u, 13u, 100u}) {
      for (const bool swi_glu : {true, false}) {
        Problem p(random, rows, 64 * test::pick(random, 1, 9), 2 * test::pick(random, 1, 600));
        // Some products are subnormal, and some gates far below all others.
        for (size_t i = 0; i < p.in; ++i) p.w[i] = static_cast<uint16_t>(p.w[i] & 0x807f);
        p.bias[1] = -80;
        const bool with_bias = rows % 2 == 1;
        const auto kind = swi_glu ? OpKind::kGemmSwiGlu : OpKind::kGemmGeGlu;
        std::vector<uint16_t> out(size_t{rows} * p.out / 2 + 1, 0x4321);
        const GemmArgs args = p.args({0, rows}, out.data(), DType::kBF16, with_bias, false);
        run(isa, p, args, 3, kind);
        CHECK_EQ(out.back(), 0x4321);
        out.pop_back();
        CHECK(out == two_kernels(isa, p, swi_glu ? OpKind::kSwiGlu : OpKind::kGeGlu, with_bias));
      }
    }
  }
}

TEST("cpu: a gated unit needs whole panels of gate and of up") {
  for (const Isa isa : test::available_isas()) {
    OpShape shape;
    shape.in = 8;
    shape.out = 96;
    CHECK(!test::kernel_of(isa, OpKind::kGemmSwiGlu).supports(shape));
    shape.out = 128;
    CHECK(test::kernel_of(isa, OpKind::kGemmSwiGlu).supports(shape));
  }
}

TEST("cpu: gemm refuses an odd reduced dimension") {
  for (const Isa isa : test::available_isas()) {
    OpShape shape;
    shape.out = 8;
    shape.in = 7;
    CHECK(!test::kernel_of(isa, OpKind::kGemm).supports(shape));
    shape.in = 8;
    CHECK(test::kernel_of(isa, OpKind::kGemm).supports(shape));
  }
}
