// The GEMM of experts: against plain sums, and bit by bit against a plain GEMM
// with the expert alone, however rows are cut and spread over blocks.
#include <cmath>
#include <numeric>

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
  uint32_t rows, slots, experts, out, in;
  bool per_slot = false;
  bool fp32 = true;
  uint32_t used = 0;  // experts that rows go to; 0: all
  DType operand = DType::kBF16;
};

ProductKernel grouped(DType operand) {
  return {"grouped_gemm_mma",
          operand == DType::kF16 ? nf::cuda::grouped_gemm_mma<DType::kF16>
                                 : nf::cuda::grouped_gemm_mma<DType::kBF16>,
          nf::cuda::grouped_gemm_mma_workspace};
}

class Experts {
 public:
  Experts(Random& random, const Problem& problem)
      : problem_(problem),
        a_(random, problem.operand,
           size_t{problem.rows} * (problem.per_slot ? problem.slots : 1) * problem.in, 1.0f),
        weight_(random, problem.operand, size_t{problem.experts} * problem.out * problem.in,
                1.0f / std::sqrt(float(problem.in))),
        order_(entries(), kNone),
        routing_(2 * entries(), 0x3f800000u) {
    const uint32_t used = problem.used == 0 ? problem.experts : problem.used;
    std::vector<uint32_t> experts(problem.experts);
    std::iota(experts.begin(), experts.end(), 0u);
    std::shuffle(experts.begin(), experts.end(), random);
    experts.resize(used);
    for (uint32_t row = 0; row < problem.rows; ++row) {
      std::shuffle(experts.begin(), experts.end(), random);
      std::copy_n(experts.begin(), problem.slots, &routing_[size_t{row} * 2 * problem.slots]);
    }
  }

  Written run(uint32_t units, std::vector<RowRange> ranges = {}) {
    if (ranges.empty()) ranges = {{0, problem_.rows}};
    const DType dtype = problem_.fp32 ? DType::kF32 : problem_.operand;
    Written out(dtype, entries(), problem_.out);
    nf::OpArgs args;
    args.grouped_gemm = {{},
                         a_.data(),
                         problem_.per_slot,
                         weight(),
                         {routing_.data(), problem_.slots},
                         order_.data(),
                         out.data(),
                         dtype};
    nf::OpShape shape;
    shape.out = problem_.out;
    shape.in = problem_.in;
    shape.num_experts = problem_.experts;
    shape.slots = problem_.slots;
    test::launch_all(grouped(problem_.operand), shape, args, args.grouped_gemm.rows, ranges, units);
    return out;
  }

  void check(const Written& out) const {
    for (size_t entry = 0; entry < entries(); ++entry) {
      for (uint32_t column = 0; column < problem_.out; ++column) {
        const double expected = sum(entry, column);
        if (out.near(entry, column, expected, OpKind::kGroupedGemm, problem_.operand)) continue;
        FAIL("entry " + std::to_string(entry) + ", column " + std::to_string(column) + " is " +
             std::to_string(out.value(entry, column)) + ", not " + std::to_string(expected));
        return;
      }
    }
  }

  // What a plain GEMM with the entry's expert makes of it.
  std::vector<std::byte> alone(size_t entry) const {
    const DType dtype = problem_.fp32 ? DType::kF32 : problem_.operand;
    Written out(dtype, row_of_a(entry) + 1, problem_.out);
    nf::OpArgs args;
    args.gemm = {{},         a_.data(), weight().matrix(expert(entry)), nullptr, nullptr,
                 out.data(), dtype};
    const ProductKernel kernel{"gemm_mma",
                               problem_.operand == DType::kF16 ? nf::cuda::gemm_mma<DType::kF16>
                                                               : nf::cuda::gemm_mma<DType::kBF16>,
                               nf::cuda::gemm_mma_workspace};
    const auto row = uint32_t(row_of_a(entry));
    test::launch_all(kernel, {}, args, args.gemm.rows, {{row, row + 1}}, 1);
    return out.part(row, 0, problem_.out);
  }

  // As where a row is padding: nobody has routed it.
  void forget(uint32_t row) {
    std::fill_n(&routing_[size_t{row} * 2 * problem_.slots], problem_.slots, 0xffffffffu);
  }

  // The entries of a launch of all rows by expert, those of an expert ascending.
  bool order_is_sorted() const {
    for (size_t i = 0; i + 1 < order_.size(); ++i) {
      const auto place = [this](uint32_t entry) { return std::pair(expert(entry), entry); };
      if (place(order_[i]) >= place(order_[i + 1])) return false;
    }
    return true;
  }
  const std::vector<uint32_t>& order() const { return order_; }
  size_t entries() const { return size_t{problem_.rows} * problem_.slots; }
  static constexpr uint32_t kNone = ~0u;

 private:
  nf::WeightView weight() const {
    nf::WeightView view{weight_.data(), problem_.out, problem_.in};
    view.count = problem_.experts;
    view.stride = size_t{problem_.out} * problem_.in * sizeof(uint16_t);
    return view;
  }
  uint32_t expert(size_t entry) const {
    const size_t row = entry / problem_.slots;
    return routing_[row * 2 * problem_.slots + entry % problem_.slots];
  }
  size_t row_of_a(size_t entry) const { return problem_.per_slot ? entry : entry / problem_.slots; }

  double sum(size_t entry, uint32_t column) const {
    const size_t from = (size_t{expert(entry)} * problem_.out + column) * problem_.in;
    double sum = 0;
    for (size_t i = 0; i < problem_.in; ++i) {
      sum += a_[row_of_a(entry) * problem_.in + i] * weight_[from + i];
    }
    return sum;
  }

  Problem problem_;
  Operands a_;
  Operands weight_;
  std::vector<uint32_t> order_;
  std::vector<uint32_t> routing_;
};

}  // namespace

TEST("cuda: products of experts equal plain sums for every tile and border") {
  Random random(test::seed());
  const Problem problems[] = {
      {.rows = 1, .slots = 1, .experts = 1, .out = 8, .in = 8},
      {.rows = 5, .slots = 2, .experts = 6, .out = 72, .in = 40},
      {.rows = 40, .slots = 3, .experts = 4, .out = 130, .in = 64, .per_slot = true},
      {.rows = 70, .slots = 2, .experts = 40, .out = 33, .in = 24, .fp32 = false},
      {.rows = 150, .slots = 1, .experts = 2, .out = 140, .in = 48},
      {.rows = 150, .slots = 2, .experts = 2, .out = 71, .in = 33, .per_slot = true, .fp32 = false},
      {.rows = 90, .slots = 4, .experts = 512, .out = 16, .in = 8, .used = 4},
  };
  for (Problem problem : problems) {
    for (const DType operand : {DType::kBF16, DType::kF16}) {
      problem.operand = operand;
      Experts experts(random, problem);
      experts.check(experts.run(3));
      CHECK(experts.order_is_sorted());
    }
  }
}

TEST("cuda: products of experts have the bits of plain products, for any cut and any grid") {
  Random random(test::seed());
  for (const uint32_t rows : {6u, 60u, 200u}) {
    const Problem problem{.rows = rows, .slots = 2, .experts = 3, .out = 70, .in = 80};
    Experts experts(random, problem);
    const Written all = experts.run(1);
    for (size_t entry = 0; entry < experts.entries(); entry += 1 + experts.entries() / 7) {
      CHECK(all.part(entry, 0, problem.out) == experts.alone(entry));
    }
    for (const uint32_t units : {2u, 64u}) {
      CHECK(experts.run(units) == all);
      const auto cuts = test::random_cuts(random, rows, pick(random, 1, 5));
      CHECK(experts.run(units, cuts) == all);
    }
  }
}

TEST("cuda: products of experts keep to the rows of a launch") {
  Random random(test::seed());
  const Problem problem{.rows = 50, .slots = 2, .experts = 5, .out = 24, .in = 16};
  Experts experts(random, problem);
  const Written out = experts.run(2, {{10, 30}});
  const std::vector<std::byte> nothing(problem.out * sizeof(float), Written::kUnwrittenByte);
  for (size_t entry = 0; entry < experts.entries(); ++entry) {
    const bool inside = entry >= 20 && entry < 60;
    CHECK((out.part(entry, 0, problem.out) == nothing) != inside);
    CHECK((experts.order()[entry] == Experts::kNone) != inside);
  }
}

TEST("cuda: routing that names no expert is left out") {
  Random random(test::seed());
  const Problem problem{.rows = 4, .slots = 2, .experts = 3, .out = 16, .in = 16};
  Experts experts(random, problem);
  const Written all = experts.run(1);
  experts.forget(2);
  const Written some = experts.run(1);
  const std::vector<std::byte> nothing(problem.out * sizeof(float), Written::kUnwrittenByte);
  for (size_t entry = 0; entry < experts.entries(); ++entry) {
    const bool forgotten = entry / problem.slots == 2;
    CHECK(some.part(entry, 0, problem.out) ==
          (forgotten ? nothing : all.part(entry, 0, problem.out)));
  }
}
