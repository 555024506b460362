// Experts: the rules of routing, and grouped GEMMs of every instruction set against the plain GEMM
// of the same one, which must give the same bits.
#include <cmath>
#include <limits>
#include <numeric>

#include "core/routing.h"
#include "cpu/pack.h"
#include "cpu_fixture.h"

using namespace nf;
using test::Isa;
using test::Random;

namespace {

struct Routed {
  std::vector<uint32_t> experts;
  std::vector<float> weights;
};

Routed routed(const std::vector<float>& logits, uint32_t slots, bool normalize) {
  std::vector<uint32_t> routing(2 * slots);
  route_row(logits.data(), uint32_t(logits.size()), slots, normalize, routing.data());
  const RoutingView view{routing.data(), slots};
  Routed result;
  for (uint32_t slot = 0; slot < slots; ++slot) {
    result.experts.push_back(view.expert(0, slot));
    result.weights.push_back(view.weight(0, slot));
  }
  return result;
}

using Experts = std::vector<uint32_t>;

// Matrices of experts, activations and routing, with room for what a launch writes.
struct Problem {
  Problem(Random& random, uint32_t rows_, uint32_t out_, uint32_t in_, uint32_t experts_,
          uint32_t slots_)
      : rows(rows_),
        out(out_),
        in(in_),
        experts(experts_),
        slots(slots_),
        a(test::round_all(test::draw_floats(random, size_t{rows_} * slots_ * in_))),
        stride(cpu::matrix_bytes(out_, in_)),
        packed(stride * experts_),
        routing(size_t{rows_} * 2 * slots_),
        order(size_t{rows_} * slots_),
        y(size_t{rows_} * slots_ * out_, 7.0f) {
    for (uint32_t e = 0; e < experts; ++e) {
      const auto w = test::round_all(test::draw_floats(random, size_t{out} * in));
      cpu::pack_matrix({out, in, 0, out, DType::kBF16}, w.data(), packed.data() + e * stride);
    }
    for (uint32_t row = 0; row < rows; ++row) {
      Experts all(experts);
      std::iota(all.begin(), all.end(), 0);
      std::shuffle(all.begin(), all.end(), random);
      set_experts(row, {all.begin(), all.begin() + slots});
    }
  }

  void set_experts(uint32_t row, const Experts& chosen) {
    std::copy(chosen.begin(), chosen.end(), routing.begin() + size_t{row} * 2 * slots);
  }

  WeightView weight() const { return {packed.data(), out, in, DType::kPlain, experts, stride}; }

  OpShape shape() const {
    OpShape shape;
    shape.out = out;
    shape.in = in;
    shape.num_experts = experts;
    shape.slots = slots;
    return shape;
  }

  const float* result(uint32_t row, uint32_t slot) const {
    return y.data() + (size_t{row} * slots + slot) * out;
  }

  uint32_t rows, out, in, experts, slots;
  std::vector<uint16_t> a;  // [rows, slots, in]; [rows, in] where it is not by slot
  size_t stride;
  test::AlignedBytes packed;
  std::vector<uint32_t> routing, order;
  std::vector<float> y;
};

void run(Isa isa, Problem& p, RowRange rows, bool per_slot, uint32_t units) {
  OpArgs args;
  args.grouped_gemm = {
      rows,           p.a.data(), per_slot, p.weight(), {p.routing.data(), p.slots},
      p.order.data(), p.y.data()};
  test::launch(isa, OpKind::kGroupedGemm, p.shape(), args, units);
}

// One row times one expert's matrix, by the plain kernel.
std::vector<float> plain(Isa isa, const Problem& p, uint32_t row, uint32_t slot, bool per_slot) {
  std::vector<float> y(p.out);
  const size_t index = per_slot ? size_t{row} * p.slots + slot : row;
  const uint32_t expert = RoutingView{p.routing.data(), p.slots}.expert(row, slot);
  OpArgs args;
  args.gemm = {
      {0, 1},     p.a.data() + index * p.in, p.weight().matrix(expert), nullptr, nullptr, y.data(),
      DType::kF32};
  test::launch(isa, OpKind::kGemm, p.shape(), args);
  return y;
}

// Runs rows of a problem on every instruction set and compares all rows.
void check_rows(Problem& p, RowRange rows, uint32_t units = 3) {
  for (const Isa isa : test::available_isas()) {
    for (const bool per_slot : {false, true}) {
      std::fill(p.y.begin(), p.y.end(), 7.0f);
      run(isa, p, rows, per_slot, units);
      for (uint32_t row = 0; row < p.rows; ++row) {
        const bool launched = row >= rows.begin && row < rows.end;
        for (uint32_t slot = 0; slot < p.slots; ++slot) {
          const std::vector<float> expected =
              launched ? plain(isa, p, row, slot, per_slot) : std::vector<float>(p.out, 7.0f);
          REQUIRE(std::memcmp(expected.data(), p.result(row, slot), p.out * sizeof(float)) == 0);
        }
      }
    }
  }
}

}  // namespace

TEST("a row takes its largest logits, in ascending order of the expert") {
  CHECK(routed({0.5f, 3, -1, 2}, 2, true).experts == Experts({1, 3}));
  CHECK(routed({4, 3, -1, 2}, 3, true).experts == Experts({0, 1, 3}));
  CHECK(routed({0, 1, 2, 3}, 1, true).experts == Experts({3}));
  CHECK(routed({5, 1, 2, 3}, 4, true).experts == Experts({0, 1, 2, 3}));
}

TEST("of equal logits the expert with the lowest index is taken") {
  CHECK(routed({1, 1, 1, 1}, 2, true).experts == Experts({0, 1}));
  CHECK(routed({0, 2, 1, 2, 2}, 2, true).experts == Experts({1, 3}));
  CHECK(routed({0, 2, 1, 1, 3}, 3, true).experts == Experts({1, 2, 4}));
  CHECK(routed({-0.0f, 0.0f, -1}, 1, true).experts == Experts({0}));
  // Far from the winner all probabilities are 0; the order of the logits still decides.
  CHECK(routed({-300, 200, -250, -250}, 2, true).experts == Experts({1, 2}));
}

TEST("weights are probabilities among all experts, or among those chosen") {
  const std::vector<float> logits = {1, 0.5f, -2, 0.25f, 3};
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit});
  const Routed open = routed(logits, 2, false);
  CHECK(open.experts == Experts({0, 4}));
  CHECK(std::abs(double{open.weights[0]} - std::exp(1.0) / sum) < 1e-7);
  CHECK(std::abs(double{open.weights[1]} - std::exp(3.0) / sum) < 1e-7);
  const Routed scaled = routed(logits, 2, true);
  CHECK(std::abs(double{scaled.weights[0]} - 1 / (1 + std::exp(2.0))) < 1e-7);
  CHECK(std::abs(scaled.weights[0] + scaled.weights[1] - 1) < 1e-6f);
  // Logits that exp alone could not take.
  CHECK(routed({1000, 1000, -1000}, 2, true).weights == std::vector<float>({0.5f, 0.5f}));
}

TEST("logits that are no numbers choose experts that exist") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(routed({nan, nan, nan}, 2, true).experts == Experts({0, 1}));
  CHECK(routed({nan, 1, nan, 2}, 2, true).experts == Experts({1, 3}));
  CHECK(routed({nan, 1, nan, 2}, 3, true).experts == Experts({0, 1, 3}));
  CHECK(routed({-infinity, -infinity, infinity}, 2, true).experts == Experts({0, 2}));
}

TEST("a grouped gemm gives each row the bits of the plain gemm with its expert") {
  Random random(test::seed());
  for (int i = 0; i < test::scale(6, 60); ++i) {
    const uint32_t experts = test::pick(random, 1, 9);
    const uint32_t slots = test::pick(random, 1, std::min(experts, 4u));
    Problem p(random, test::pick(random, 1, 30), test::pick(random, 1, 100),
              2 * test::pick(random, 1, 90), experts, slots);
    const uint32_t begin = test::pick(random, 0, p.rows - 1);
    check_rows(p, {begin, test::pick(random, begin + 1, p.rows)});
  }
}

TEST("a grouped gemm sends all rows to one expert, in several blocks") {
  Random random(test::seed());
  for (const uint32_t rows : {1u, 96u, 97u, 250u}) {
    Problem p(random, rows, 40, 32, 3, 1);
    for (uint32_t row = 0; row < rows; ++row) p.set_experts(row, {1});
    check_rows(p, {0, rows});
  }
}

TEST("a grouped gemm resumes its sums along a wide input") {
  Random random(test::seed());
  // More than one block of the reduced dimension; few rows of an expert, and more than a tile.
  for (const uint32_t in : {1100u, 8320u}) {
    Problem p(random, 29, 33, in, 4, 1);
    for (uint32_t row = 0; row < 14; ++row) p.set_experts(row, {2});
    for (uint32_t row = 14; row < 26; ++row) p.set_experts(row, {0});
    p.set_experts(26, {3});
    p.set_experts(27, {3});
    p.set_experts(28, {1});
    check_rows(p, {0, p.rows});
  }
}

TEST("a grouped gemm with many experts skips those without rows") {
  Random random(test::seed());
  Problem p(random, 3, 8, 16, NF_MAX_EXPERTS, 2);
  p.set_experts(0, {0, NF_MAX_EXPERTS - 1});
  p.set_experts(1, {17, 300});
  p.set_experts(2, {0, 300});
  check_rows(p, {0, 3});
}
