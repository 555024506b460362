// GEMM kernels: against plain sums, with every epilogue and odd sizes, and bit by
// bit however rows are cut and spread over blocks.
#include <cmath>

#include "cuda/kernels/kernels.h"
#include "product_world.h"

using nf::DType;
using nf::OpKind;
using nf::RowRange;
using test::Operands;
using test::pick;
using test::ProductKernel;
using test::Random;
using test::Written;

namespace {

struct Problem {
  uint32_t rows, out, in;
  bool bias = false;
  bool residual = false;
  bool fp32 = true;
  float softcap = 0;
  uint32_t gap = 0;  // elements between rows of the result
  DType operand = DType::kBF16;

  std::string describe() const {
    return std::to_string(rows) + "x" + std::to_string(out) + "x" + std::to_string(in) +
           (bias ? " bias" : "") + (residual ? " residual" : "") + (fp32 ? " fp32" : "") +
           (softcap > 0 ? " cap" : "") + " gap " + std::to_string(gap);
  }
};

ProductKernel mma(DType operand) {
  return {
      "gemm_mma",
      operand == DType::kF16 ? nf::cuda::gemm_mma<DType::kF16> : nf::cuda::gemm_mma<DType::kBF16>,
      nf::cuda::gemm_mma_workspace};
}

ProductKernel cublaslt(DType operand) {
  return {"gemm_cublaslt",
          operand == DType::kF16 ? nf::cuda::gemm_cublaslt<DType::kF16>
                                 : nf::cuda::gemm_cublaslt<DType::kBF16>,
          nf::cuda::gemm_cublaslt_workspace};
}

class Gemm {
 public:
  Gemm(Random& random, const Problem& problem)
      : problem_(problem),
        a_(random, problem.operand, size_t{problem.rows} * problem.in, 1.0f),
        weight_(random, problem.operand, size_t{problem.out} * problem.in,
                1.0f / std::sqrt(float(problem.in))),
        bias_(test::normal(random, problem.out)),
        residual_(test::normal(random, size_t{problem.rows} * stride())) {}

  Written run(const ProductKernel& kernel, uint32_t units, std::vector<RowRange> ranges = {}) {
    if (ranges.empty()) ranges = {{0, problem_.rows}};
    const DType dtype = problem_.fp32 ? DType::kF32 : problem_.operand;
    Written out(dtype, problem_.rows, stride());
    nf::OpArgs args;
    args.gemm = {{},
                 a_.data(),
                 {weight_.data(), problem_.out, problem_.in},
                 problem_.bias ? bias_.data() : nullptr,
                 problem_.residual ? residual_.data() : nullptr,
                 out.data(),
                 dtype,
                 problem_.softcap,
                 problem_.gap == 0 ? 0 : stride()};
    nf::OpShape shape;
    shape.out = problem_.out;
    shape.in = problem_.in;
    test::launch_all(kernel, shape, args, args.gemm.rows, ranges, units);
    return out;
  }

  // Near the sums, and nothing beside them written?
  void check(const Written& out, const std::string& kernel) const {
    for (uint32_t row = 0; row < problem_.rows; ++row) {
      for (uint32_t column = 0; column < problem_.out; ++column) {
        const double expected = sum(row, column);
        if (out.near(row, column, expected, OpKind::kGemm, problem_.operand)) continue;
        FAIL(kernel + " " + problem_.describe() + ": element " + std::to_string(row) + ", " +
             std::to_string(column) + " is " + std::to_string(out.value(row, column)) + ", not " +
             std::to_string(expected));
        return;
      }
      for (const std::byte b : out.part(row, problem_.out, stride())) {
        CHECK(b == Written::kUnwrittenByte);
      }
    }
  }

 private:
  uint32_t stride() const { return problem_.out + problem_.gap; }

  double sum(uint32_t row, uint32_t column) const {
    double sum = 0;
    for (size_t i = 0; i < problem_.in; ++i) {
      sum += a_[size_t{row} * problem_.in + i] * weight_[size_t{column} * problem_.in + i];
    }
    if (problem_.bias) sum += double{bias_[column]};
    if (problem_.residual) sum += double{residual_[size_t{row} * stride() + column]};
    const auto cap = double{problem_.softcap};
    return cap > 0 ? cap * std::tanh(sum / cap) : sum;
  }

  Problem problem_;
  Operands a_;
  Operands weight_;
  std::vector<float> bias_;
  std::vector<float> residual_;
};

void check_both(Random& random, Problem problem) {
  for (const DType operand : {DType::kBF16, DType::kF16}) {
    problem.operand = operand;
    Gemm gemm(random, problem);
    gemm.check(gemm.run(mma(operand), 2), "gemm_mma");
    if (problem.in % 8 == 0) gemm.check(gemm.run(cublaslt(operand), 2), "gemm_cublaslt");
  }
}

}  // namespace

TEST("cuda: products equal plain sums for every tile and border") {
  Random random(test::seed());
  for (const uint32_t rows : {1u, 15u, 16u, 17u, 63u, 65u, 129u, 200u}) {
    check_both(random, {.rows = rows, .out = 136, .in = 72});
  }
  for (const uint32_t out : {1u, 7u, 64u, 129u, 257u}) {
    check_both(random, {.rows = 70, .out = out, .in = 64});
  }
  for (const uint32_t in : {8u, 16u, 40u, 256u, 328u}) {
    check_both(random, {.rows = 20, .out = 64, .in = in});
    check_both(random, {.rows = 130, .out = 257, .in = in});
  }
}

TEST("cuda: products of any depth") {
  Random random(test::seed());
  for (const uint32_t in : {1u, 7u, 9u, 33u, 100u}) {
    check_both(random, {.rows = 3, .out = 65, .in = in});
    check_both(random, {.rows = 70, .out = 24, .in = in, .fp32 = false});
  }
}

TEST("cuda: products with a bias, a residual, a cap, gaps, in both dtypes") {
  Random random(test::seed());
  for (const bool bias : {false, true}) {
    for (const bool residual : {false, true}) {
      for (const float softcap : {0.0f, 1.5f}) {
        for (const uint32_t gap : {0u, 3u, 8u}) {
          Problem problem{.rows = 18, .out = 72, .in = 48, .bias = bias, .residual = residual};
          problem.softcap = softcap;
          problem.gap = gap;
          check_both(random, problem);
          problem.fp32 = residual;
          problem.out = 71;
          check_both(random, problem);
        }
      }
    }
  }
}

TEST("cuda: our product has the same bits for any cut of rows and any grid") {
  Random random(test::seed());
  for (const uint32_t in : {24u, 33u, 200u}) {
    const Problem problem{.rows = 190, .out = 260, .in = in, .residual = true};
    Gemm gemm(random, problem);
    const ProductKernel kernel = mma(problem.operand);
    const Written all = gemm.run(kernel, 1);  // by the largest tiles
    for (const uint32_t units : {3u, 64u}) {
      CHECK(gemm.run(kernel, units) == all);
      const auto cuts = test::random_cuts(random, problem.rows, pick(random, 1, 8));
      CHECK(gemm.run(kernel, units, cuts) == all);
    }
  }
}

TEST("cuda: products leave rows outside a launch alone") {
  Random random(test::seed());
  const Problem problem{.rows = 90, .out = 70, .in = 48, .softcap = 2.0f};
  Gemm gemm(random, problem);
  const std::vector<std::byte> nothing(problem.out * sizeof(float), Written::kUnwrittenByte);
  for (const ProductKernel& kernel : {mma(problem.operand), cublaslt(problem.operand)}) {
    const RowRange rows{11, 60};
    const Written whole = gemm.run(kernel, 2);
    const Written part = gemm.run(kernel, 2, {rows});
    for (uint32_t row = 0; row < problem.rows; ++row) {
      const bool inside = row >= rows.begin && row < rows.end;
      if (!inside) CHECK(part.part(row, 0, problem.out) == nothing);
      if (inside && kernel.name == "gemm_mma") {
        CHECK(part.part(row, 0, problem.out) == whole.part(row, 0, problem.out));
      }
    }
  }
}
