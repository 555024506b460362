// int8 GEMMs of every instruction set: exact sums, the same bits everywhere, and how far rounding
// takes them from fp32.
#include <cmath>
#include <cstdio>

#include "cpu/int8_pack.h"
#include "cpu/pack.h"
#include "cpu_fixture.h"

using namespace nf;
using test::Isa;
using test::Random;

namespace {

// Quantized rows and int8 weights [out, in] with scales.
struct Problem {
  Problem(Random& random, uint32_t rows_, uint32_t out_, uint32_t in_)
      : rows(rows_),
        out(out_),
        in(in_),
        pitch(row_bytes(DType::kI8, in_)),
        a(rows_ * pitch, kQuantizedZero),
        w(size_t{out_} * in_),
        scales(test::draw_floats(random, out_)),
        bias(test::draw_floats(random, out_)),
        residual(test::draw_floats(random, size_t{rows_} * out_)),
        packed(cpu::matrix_bytes(out_, in_, DType::kI8)) {
    for (uint32_t r = 0; r < rows; ++r) {
      for (uint32_t k = 0; k < in; ++k) a[r * pitch + k] = uint8_t(test::pick(random, 1, 255));
      set_scale(r, std::fabs(test::draw_floats(random, 1)[0]));
    }
    for (int8_t& value : w) value = int8_t(int(test::pick(random, 0, 255)) - 128);
    for (float& scale : scales) scale = std::fabs(scale);
    pack();
  }

  void set_scale(uint32_t row, float scale) {
    std::memcpy(a.data() + row * pitch + quantized_bytes(in), &scale, sizeof(scale));
  }
  float scale(uint32_t row) const {
    float scale;
    std::memcpy(&scale, a.data() + row * pitch + quantized_bytes(in), sizeof(scale));
    return scale;
  }
  void pack() {
    cpu::pack_matrix({out, in, 0, out, DType::kI8, 0, DType::kI8, scales.data()}, w.data(),
                     packed.data());
  }
  OpShape shape() const {
    OpShape shape;
    shape.out = out;
    shape.in = in;
    return shape;
  }
  GemmArgs args(RowRange range, void* to, bool with_bias, bool with_residual) {
    return {range,
            a.data(),
            {packed.data(), out, in, DType::kI8},
            with_bias ? bias.data() : nullptr,
            with_residual ? residual.data() : nullptr,
            to,
            DType::kF32};
  }
  // An element as op.h says: an exact sum, then fp32 products and sums in this order.
  float expect(uint32_t row, uint32_t column, bool with_bias, bool with_residual) const {
    int64_t sum = 0;
    for (uint32_t k = 0; k < in; ++k) {
      sum += int64_t{a[row * pitch + k] - 128} * w[size_t{column} * in + k];
    }
    float x = float(sum) * scale(row) * scales[column];
    if (with_bias) x += bias[column];
    if (with_residual) x += residual[size_t{row} * out + column];
    return x;
  }

  uint32_t rows, out, in;
  size_t pitch;
  std::vector<uint8_t> a;
  std::vector<int8_t> w;
  std::vector<float> scales, bias, residual;
  test::AlignedBytes packed;
};

void run(Isa isa, Problem& problem, const GemmArgs& gemm, uint32_t units = 1) {
  OpArgs args;
  args.gemm = gemm;
  test::launch(isa, OpKind::kGemm, problem.shape(), args, units, DType::kI8);
}

std::vector<float> all_rows(Isa isa, Problem& p) {
  std::vector<float> out(size_t{p.rows} * p.out);
  run(isa, p, p.args({0, p.rows}, out.data(), true, true));
  return out;
}

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

void check_exact(Isa isa, Problem& p, bool with_bias, bool with_residual) {
  std::vector<float> out(size_t{p.rows} * p.out + 1, -7.0f);
  run(isa, p, p.args({0, p.rows}, out.data(), with_bias, with_residual), 2);
  CHECK_EQ(out.back(), -7.0f);
  for (uint32_t r = 0; r < p.rows; ++r) {
    for (uint32_t c = 0; c < p.out; ++c) {
      REQUIRE(out[size_t{r} * p.out + c] == p.expect(r, c, with_bias, with_residual));
    }
  }
}

}  // namespace

TEST("cpu: int8 gemm has exactly the sums of a plain loop, in every instruction set") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (uint32_t rows = 1; rows <= 40; ++rows) {
      Problem p(random, rows, test::pick(random, 1, 100), test::pick(random, 1, 150));
      check_exact(isa, p, rows % 2 == 0, rows % 3 == 0);
    }
    for (const uint32_t rows : {3u, 13u, 100u}) {
      Problem p(random, rows, 37, 2063);  // several blocks of the reduced dimension
      check_exact(isa, p, false, false);
    }
  }
}

TEST("cpu: int8 gemm has room for the largest sums there are") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    Problem p(random, 14, 33, cpu::kMaxInt8Width);
    for (uint32_t r = 0; r < p.rows; ++r) {
      std::fill_n(p.a.begin() + std::ptrdiff_t(r * p.pitch), p.in, r % 2 == 0 ? 255 : 1);
    }
    std::fill(p.w.begin(), p.w.end(), int8_t{-128});
    std::fill_n(p.w.begin(), p.in, int8_t{127});
    p.pack();
    check_exact(isa, p, false, false);
    OpShape shape = p.shape();
    const Kernel& kernel = test::kernel_of(isa, OpKind::kGemm, DType::kI8);
    CHECK(kernel.supports(shape));
    ++shape.in;
    CHECK(!kernel.supports(shape));
  }
}

TEST("cpu: an int8 gemm row has the same bits alone, in any range and with any workers") {
  Random random(test::seed());
  // 300 columns and 1100 inputs: several tasks and several blocks.
  Problem p(random, 110, 300, 1101);
  const auto whole = all_rows(Isa::kScalar, p);
  for (const Isa isa : test::available_isas()) {
    CHECK(same_bits(all_rows(isa, p), whole));
    for (const uint32_t units : {2u, 3u, 16u}) {
      std::vector<float> out(whole.size());
      run(isa, p, p.args({0, p.rows}, out.data(), true, true), units);
      CHECK(same_bits(out, whole));
    }
    std::vector<float> pieces(whole.size());
    for (uint32_t begin = 0; begin < p.rows;) {
      const uint32_t end = std::min(p.rows, begin + test::pick(random, 1, 30));
      run(isa, p, p.args({begin, end}, pieces.data(), true, true), 2);
      begin = end;
    }
    CHECK(same_bits(pieces, whole));
    std::vector<float> single(whole.size());
    for (uint32_t r = 0; r < p.rows; ++r) {
      run(isa, p, p.args({r, r + 1}, single.data(), true, true));
    }
    CHECK(same_bits(single, whole));
  }
}

TEST("cpu: a row or column whose scale is a NaN gives NaNs, and others none") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    Problem p(random, 14, 40, 70);
    p.set_scale(3, NAN);
    p.scales[35] = NAN;
    p.pack();
    const auto out = all_rows(isa, p);
    for (uint32_t r = 0; r < p.rows; ++r) {
      for (uint32_t c = 0; c < p.out; ++c) {
        CHECK_EQ(std::isnan(out[size_t{r} * p.out + c]), r == 3 || c == 35);
      }
    }
  }
}

TEST("cpu: an int8 gemm that ends in a gated unit has the bits of one with the unit behind it") {
  Random random(test::seed());
  struct Gated {
    OpKind gemm;
    OpKind glu;
  };
  for (const Isa isa : test::available_isas()) {
    for (const Gated kind :
         {Gated{OpKind::kGemmSwiGlu, OpKind::kSwiGlu}, Gated{OpKind::kGemmGeGlu, OpKind::kGeGlu}}) {
      for (const uint32_t rows : {1u, 12u, 13u, 50u, 100u}) {
        const uint32_t width = 32 * test::pick(random, 1, 12);
        Problem p(random, rows, 2 * width, test::pick(random, 1, 1500));
        // Gates from far below to far above zero.
        for (float& scale : p.scales) scale *= 0.05f / std::sqrt(float(p.in));
        p.pack();
        std::vector<float> products(size_t{rows} * p.out);
        run(isa, p, p.args({0, rows}, products.data(), true, false));
        std::vector<uint16_t> expected(size_t{rows} * width);
        OpArgs args;
        args.glu = {{0, rows}, products.data(), expected.data(), width};
        OpShape shape;
        shape.out = width;
        test::launch(isa, kind.glu, shape, args);
        std::vector<uint16_t> out(expected.size());
        args.gemm = p.args({0, rows}, out.data(), true, false);
        args.gemm.out_dtype = DType::kBF16;
        test::launch(isa, kind.gemm, p.shape(), args, 3, DType::kI8);
        CHECK(same_bits(out, expected));
      }
    }
    OpShape shape;
    shape.in = 8;
    shape.out = 2 * 40;  // gate and up share a panel
    CHECK(!test::kernel_of(isa, OpKind::kGemmSwiGlu, DType::kI8).supports(shape));
  }
}

namespace {

// Activations and weights as a model has them: some channels are far larger than the others.
struct Figures {
  double error = 0;  // root mean square
  double size = 0;
};

Figures rounding_error(Random& random, uint32_t in, float outliers) {
  constexpr uint32_t kRows = 16;
  constexpr uint32_t kOut = 64;
  std::vector<float> x = test::normal(random, size_t{kRows} * in);
  for (uint32_t k = 0; k < in; k += 100) {
    for (uint32_t r = 0; r < kRows; ++r) x[size_t{r} * in + k] *= outliers;
  }
  const std::vector<float> w = test::normal(random, size_t{kOut} * in);
  const std::vector<uint16_t> rounded = test::round_all(x);
  Problem p(random, kRows, kOut, in);
  OpArgs args;
  args.quantize = {{0, kRows}, rounded.data(), reinterpret_cast<std::byte*>(p.a.data()), in};
  OpShape shape;
  shape.out = in;
  test::launch(Isa::kScalar, OpKind::kQuantize, shape, args);
  cpu::pack_matrix({kOut, in, 0, kOut, DType::kF32, 0, DType::kI8}, w.data(), p.packed.data());
  std::vector<float> out(size_t{kRows} * kOut);
  run(Isa::kScalar, p, p.args({0, kRows}, out.data(), false, false));
  Figures figures;
  for (uint32_t r = 0; r < kRows; ++r) {
    for (uint32_t c = 0; c < kOut; ++c) {
      double exact = 0;
      for (uint32_t k = 0; k < in; ++k) {
        exact += double{x[size_t{r} * in + k]} * double{w[size_t{c} * in + k]};
      }
      figures.error += std::pow(double{out[r * kOut + c]} - exact, 2);
      figures.size += exact * exact;
    }
  }
  return {std::sqrt(figures.error / (kRows * kOut)), std::sqrt(figures.size / (kRows * kOut))};
}

}  // namespace

TEST("cpu: rounding to int8 costs little of a product, and more where a few channels are large") {
  Random random(test::seed());
  for (const float outliers : {1.0f, 50.0f}) {
    const Figures figures = rounding_error(random, 2000, outliers);
    std::printf("  1%% of the channels %.0f times larger: error %.4f of %.2f\n", double{outliers},
                figures.error, figures.size);
    CHECK(figures.error > 0);
    CHECK(figures.error < (outliers > 1 ? 0.1 : 0.03) * figures.size);
  }
}
