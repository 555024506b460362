// Weights in block formats on the cpu: packed matrices give back what went in, and the GEMM of
// every format and instruction set equals a double loop over the dequantized numbers.
#include <cmath>
#include <limits>

#include "cpu/pack.h"
#include "cpu_fixture.h"
#include "random_blocks.h"

using namespace nf;
using test::Isa;
using test::Random;

namespace {

const Kernel& kernel_of(Isa isa, DType format) {
  for (const Kernel& kernel : cpu::kernel_table(isa)) {
    if (kernel.kind == OpKind::kGemm && kernel.weight == format) return kernel;
  }
  throw std::runtime_error("no kernel of this format");
}

template <typename Fn>
void for_each_kernel(Fn&& fn) {
  for (const Isa isa : test::available_isas()) {
    for (const BlockFormat& format : kBlockFormats) fn(isa, format);
  }
}

// A matrix in a block format, packed in two parts.
struct Matrix {
  Matrix(Random& random, const BlockFormat& format_in, uint32_t out_in, uint32_t in_in)
      : Matrix(format_in, out_in, in_in,
               test::random_blocks(random, format_in, size_t{out_in} * in_in, 1)) {}
  Matrix(const BlockFormat& format_in, uint32_t out_in, uint32_t in_in,
         std::vector<std::byte> bytes_in)
      : format(format_in),
        out(out_in),
        in(in_in),
        bytes(std::move(bytes_in)),
        values(test::dequantize(format, bytes)),
        packed(cpu::matrix_bytes(out, in, format.dtype)) {
    const uint32_t first = out / 3;
    const size_t row_bytes = stored_bytes(format.dtype, in);
    cpu::pack_matrix({out, in, 0, first, format.dtype}, bytes.data(), packed.data());
    cpu::pack_matrix({out, in, first, out - first, format.dtype}, bytes.data() + first * row_bytes,
                     packed.data());
  }
  WeightView view() const { return {packed.data(), out, in, format.dtype}; }

  const BlockFormat& format;
  uint32_t out, in;
  std::vector<std::byte> bytes;
  std::vector<float> values;
  test::AlignedBytes packed;
};

// A matrix and rows to multiply it with.
struct Problem {
  Problem(Random& random, uint32_t rows_in, Matrix matrix_in)
      : rows(rows_in),
        matrix(std::move(matrix_in)),
        a(test::round_all(test::draw_floats(random, size_t{rows} * matrix.in))),
        bias(test::draw_floats(random, matrix.out)),
        residual(test::draw_floats(random, size_t{rows} * matrix.out)) {}

  // Rows [range) of the whole product, with bias and residual.
  void run(Isa isa, RowRange range, std::vector<float>& to, uint32_t units = 1) {
    OpArgs args;
    args.gemm = {.rows = range,
                 .a = a.data(),
                 .weight = matrix.view(),
                 .bias = bias.data(),
                 .residual = residual.data(),
                 .out = to.data(),
                 .out_dtype = DType::kF32};
    const Kernel& kernel = kernel_of(isa, matrix.format.dtype);
    OpShape shape;
    shape.out = matrix.out;
    shape.in = matrix.in;
    REQUIRE(kernel.supports(shape));
    test::ShuffledLane lane(units, kernel.workspace(shape), test::seed() + units);
    kernel.launch(args, lane);
  }
  std::vector<float> run(Isa isa, uint32_t units = 1) {
    std::vector<float> to(size_t{rows} * matrix.out);
    run(isa, {0, rows}, to, units);
    return to;
  }

  void check(const std::vector<float>& got, const std::string& what) const {
    for (uint32_t r = 0; r < rows; ++r) {
      for (uint32_t c = 0; c < matrix.out; ++c) {
        const size_t place = size_t{r} * matrix.out + c;
        double value = double{bias[c]} + double{residual[place]};
        double magnitude = 1;
        for (uint32_t k = 0; k < matrix.in; ++k) {
          const double product = double{test::widen_bf16(a[size_t{r} * matrix.in + k])} *
                                 double{matrix.values[size_t{c} * matrix.in + k]};
          value += product;
          magnitude += std::fabs(product);
        }
        if (std::fabs(double{got[place]} - value) <= 1e-5 * magnitude) continue;
        FAIL(what + ": row " + test::show(r) + " column " + test::show(c) + " is " +
             test::show(got[place]) + ", not " + test::show(value));
        return;
      }
    }
  }

  uint32_t rows;
  Matrix matrix;
  std::vector<uint16_t> a;
  std::vector<float> bias, residual;
};

std::string name_of(Isa isa, const BlockFormat& format) {
  return std::string(cpu::isa_name(isa)) + " " + format.name;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void set_half(std::vector<std::byte>& bytes, size_t place, uint16_t half) {
  std::memcpy(bytes.data() + place, &half, 2);
}

}  // namespace

TEST("cpu: a packed matrix of blocks reads back bit by bit, and takes the bytes of the file") {
  Random random(test::seed());
  for (const BlockFormat& format : kBlockFormats) {
    for (const uint32_t out : {1u, 31u, 32u, 65u}) {
      const uint32_t in = format.elements * test::pick(random, 1, 3);
      const Matrix matrix(random, format, out, in);
      CHECK_EQ(matrix.packed.size(), (out + 31) / 32 * 32 * stored_bytes(format.dtype, in));
      std::vector<float> row(in);
      for (uint32_t r = 0; r < out; ++r) {
        cpu::unpack_row(matrix.view(), r, row.data());
        const auto begin = matrix.values.begin() + std::ptrdiff_t{r} * in;
        CHECK(same_bits(row, {begin, begin + in}));
      }
    }
  }
}

TEST("cpu: rows of blocks that are stored in pairs are packed in their own order") {
  Random random(test::seed());
  const BlockFormat& format = block_format(DType::kQ4_K);
  constexpr uint32_t kOut = 24, kIn = 256, kGroup = 8;
  Matrix matrix(random, format, kOut, kIn);
  cpu::pack_matrix({kOut, kIn, 0, kOut, format.dtype, kGroup}, matrix.bytes.data(),
                   matrix.packed.data());
  std::vector<float> row(kIn);
  for (uint32_t stored = 0; stored < kOut; ++stored) {
    cpu::unpack_row(matrix.view(), unpaired_row(stored, kGroup), row.data());
    const auto begin = matrix.values.begin() + std::ptrdiff_t{stored} * kIn;
    CHECK(same_bits(row, {begin, begin + kIn}));
  }
}

TEST("cpu: gemm over blocks equals a double loop") {
  Random random(test::seed());
  for_each_kernel([&](Isa isa, const BlockFormat& format) {
    for (const uint32_t rows : {1u, 2u, 3u, 5u, 8u, 11u, 12u, 13u, 25u, 97u}) {
      const uint32_t in = format.elements * test::pick(random, 1, 1280 / format.elements);
      Problem problem(random, rows, {random, format, test::pick(random, 1, 100), in});
      problem.check(problem.run(isa, 2), name_of(isa, format));
    }
  });
}

TEST("cpu: gemm over blocks equals a double loop for wide and deep matrices") {
  Random random(test::seed());
  for_each_kernel([&](Isa isa, const BlockFormat& format) {
    Problem wide(random, 2, {random, format, 1000, 512});
    wide.check(wide.run(isa, 3), name_of(isa, format));
    // More than one pass over the reduced dimension with few rows, too.
    Problem deep(random, 1, {random, format, 33, 13 * 1024});
    deep.check(deep.run(isa), name_of(isa, format));
    Problem both(random, 14, {random, format, 64, 2048});
    both.check(both.run(isa), name_of(isa, format));
  });
}

TEST(
    "cpu: a row of a gemm over blocks has the same bits alone, in any range and with any workers") {
  Random random(test::seed());
  for_each_kernel([&](Isa isa, const BlockFormat& format) {
    Problem problem(random, 110, {random, format, 300, 1280});
    const std::vector<float> whole = problem.run(isa);
    for (const uint32_t units : {3u, 16u}) CHECK(same_bits(problem.run(isa, units), whole));
    std::vector<float> pieces(whole.size());
    for (uint32_t begin = 0; begin < problem.rows;) {
      const uint32_t end = std::min(problem.rows, begin + test::pick(random, 1, 30));
      problem.run(isa, {begin, end}, pieces, 2);
      begin = end;
    }
    CHECK(same_bits(pieces, whole));
    std::vector<float> single(whole.size());
    for (uint32_t r = 0; r < problem.rows; ++r) problem.run(isa, {r, r + 1}, single);
    CHECK(same_bits(single, whole));
  });
}

TEST("cpu: gemm over blocks takes scales of any size and sign") {
  Random random(test::seed());
  constexpr uint16_t kScales[] = {0x0000, 0x8000, 0x0001, 0x83ff, 0x7bff, 0xfbff, 0x3c00};
  constexpr uint32_t kOut = 40;
  for_each_kernel([&](Isa isa, const BlockFormat& format) {
    auto bytes = test::random_blocks(random, format, size_t{kOut} * 512, 1);
    const test::HalfPlaces places = test::half_places(format.dtype);
    for (size_t i = 0; i < bytes.size(); i += format.bytes) {
      set_half(bytes, i + places.scale, kScales[test::pick(random, 0, 6)]);
      if (places.min != 0) set_half(bytes, i + places.min, kScales[test::pick(random, 0, 6)]);
    }
    for (const uint32_t rows : {2u, 30u}) {
      Problem problem(random, rows, {format, kOut, 512, bytes});
      problem.check(problem.run(isa), name_of(isa, format));
    }
  });
}

TEST("cpu: a scale that is no number spoils the columns of its row and no others") {
  Random random(test::seed());
  constexpr uint32_t kOut = 40, kSpoilt = 33;
  for_each_kernel([&](Isa isa, const BlockFormat& format) {
    const Matrix clean(random, format, kOut, 512);
    for (const uint16_t half : {uint16_t{0x7c00}, uint16_t{0xfc00}, uint16_t{0x7e01}}) {
      auto bytes = clean.bytes;
      const size_t row = kSpoilt * stored_bytes(format.dtype, 512);
      set_half(bytes, row + test::half_places(format.dtype).scale, half);
      for (const uint32_t rows : {1u, 20u}) {
        Problem problem(random, rows, {format, kOut, 512, bytes});
        const std::vector<float> out = problem.run(isa);
        for (size_t i = 0; i < out.size(); ++i) {
          CHECK_EQ(std::isfinite(out[i]), i % kOut != kSpoilt);
        }
      }
    }
  });
}

TEST("cpu: a gemm over a section leaves the other columns alone") {
  Random random(test::seed());
  constexpr uint32_t kFirst = 5, kOut = 37, kWidth = 50;
  for_each_kernel([&](Isa isa, const BlockFormat& format) {
    Problem problem(random, 3, {random, format, kOut, 256});
    const std::vector<float> whole = problem.run(isa);
    std::vector<float> out(3 * kWidth, 99.0f);
    std::vector<float> residual(3 * kWidth);
    for (uint32_t i = 0; i < 3 * kOut; ++i) {
      residual[i / kOut * kWidth + kFirst + i % kOut] = problem.residual[i];
    }
    OpArgs args;
    args.gemm = {.rows = {0, 3},
                 .a = problem.a.data(),
                 .weight = problem.matrix.view(),
                 .bias = problem.bias.data(),
                 .residual = residual.data() + kFirst,
                 .out = out.data() + kFirst,
                 .out_dtype = DType::kF32,
                 .row_stride = kWidth};
    const Kernel& kernel = kernel_of(isa, format.dtype);
    test::ShuffledLane lane(2, kernel.workspace({}), test::seed());
    kernel.launch(args, lane);
    for (uint32_t i = 0; i < 3 * kWidth; ++i) {
      const uint32_t column = i % kWidth;
      const bool mine = column >= kFirst && column < kFirst + kOut;
      CHECK_EQ(out[i], mine ? whole[i / kWidth * kOut + column - kFirst] : 99.0f);
    }
  });
}

TEST("cpu: gemm over blocks refuses a reduced dimension that is not whole blocks") {
  for_each_kernel([&](Isa isa, const BlockFormat& format) {
    OpShape shape;
    shape.out = 8;
    shape.in = format.elements + 16;
    CHECK(!kernel_of(isa, format.dtype).supports(shape));
    shape.in = 2 * format.elements;
    CHECK(kernel_of(isa, format.dtype).supports(shape));
  });
}
