// Matrix products: every format of weights, products that end in a gated unit, and experts.
//
// Activations and results are the same for all launches, as in a step, where the op before has just
// made them; they stay in the caches. Weights go round.
#include <algorithm>
#include <bit>
#include <memory>

#include "bench/case_makers.h"
#include "core/block_formats.h"
#include "cpu/pack.h"

namespace nf::bench {
namespace {

std::string text_of(const Matrix& matrix) {
  return std::to_string(matrix.out) + "x" + std::to_string(matrix.in);
}

bool can_be_packed(const Matrix& matrix, DType format) {
  return !is_block_format(format) || matrix.in % block_format(format).elements == 0;
}

Case product(const Kernel& kernel, const Matrix& matrix, uint32_t rows) {
  const bool gated = kernel.kind != OpKind::kGemm;
  const DType input = kernel.weight == DType::kI8 ? DType::kI8 : DType::kBF16;
  const DType output = gated ? DType::kBF16 : DType::kF32;
  const size_t bytes = cpu::matrix_bytes(matrix.out, matrix.in, kernel.weight);
  Case c{.kernel = &kernel, .shape = text_of(matrix), .rows = rows};
  c.op.out = matrix.out;
  c.op.in = matrix.in;
  c.arithmetic = input == DType::kI8 ? Arithmetic::kI8 : Arithmetic::kBF16;
  c.operations = 2.0 * rows * matrix.out * matrix.in;
  c.bytes = static_cast<double>(bytes);
  c.warm_bytes = rows * row_bytes(input, matrix.in);
  c.source_bytes = bytes;
  c.target_bytes = rows * row_bytes(output, gated ? matrix.out / 2 : matrix.out);
  c.prepare = [rows, matrix, output, format = kernel.weight] {
    return [=](const Operands& operands) {
      OpArgs args;
      args.gemm = {.rows = {0, rows},
                   .a = operands.warm,
                   .weight = {operands.source, matrix.out, matrix.in, format},
                   .bias = nullptr,
                   .residual = nullptr,
                   .out = operands.target,
                   .out_dtype = output};
      return args;
    };
  };
  return c;
}

// Rows go to the experts in turn, so that few of them soon go round all experts.
class SpreadRows {
 public:
  SpreadRows(const Experts& experts, uint32_t rows)
      : experts_(experts),
        rows_(rows),
        routing_(2 * size_t{rows} * experts.slots),
        order_(size_t{rows} * experts.slots) {}

  RoutingView routing(uint64_t turn) {
    const uint32_t apart = experts_.count / experts_.slots;
    const float weight = 1.0f / static_cast<float>(experts_.slots);
    uint32_t* next = routing_.data();
    for (uint32_t row = 0; row < rows_; ++row) {
      const auto first = static_cast<uint32_t>((turn * rows_ + row) % apart);
      for (uint32_t slot = 0; slot < experts_.slots; ++slot) *next++ = first + slot * apart;
      next = std::fill_n(next, experts_.slots, std::bit_cast<uint32_t>(weight));
    }
    return {routing_.data(), experts_.slots};
  }
  uint32_t* order() { return order_.data(); }

 private:
  Experts experts_;
  uint32_t rows_;
  std::vector<uint32_t> routing_;  // [rows, 2 * slots]
  std::vector<uint32_t> order_;    // [rows, slots]
};

Case grouped_product(const Kernel& kernel, const Experts& experts, uint32_t rows) {
  const size_t stride = cpu::matrix_bytes(experts.out, experts.in);
  const uint32_t used = std::min(rows, experts.count / experts.slots) * experts.slots;
  Case c{.kernel = &kernel, .rows = rows};
  c.shape = text_of({experts.out, experts.in}) + " " + std::to_string(experts.slots) + " of " +
            std::to_string(experts.count);
  c.op.out = experts.out;
  c.op.in = experts.in;
  c.op.num_experts = experts.count;
  c.op.slots = experts.slots;
  c.arithmetic = Arithmetic::kBF16;
  c.operations = 2.0 * rows * experts.slots * experts.out * experts.in;
  c.bytes = static_cast<double>(used * stride);
  c.warm_bytes = rows * row_bytes(DType::kBF16, experts.in);
  c.source_bytes = experts.count * stride;
  c.target_bytes = size_t{rows} * experts.slots * row_bytes(DType::kF32, experts.out);
  c.prepare = [=] {
    return [=, spread = std::make_shared<SpreadRows>(experts, rows)](const Operands& operands) {
      OpArgs args;
      args.grouped_gemm = {.rows = {0, rows},
                           .a = operands.warm,
                           .a_per_slot = false,
                           .weight = {operands.source, experts.out, experts.in, DType::kPlain,
                                      experts.count, stride},
                           .routing = spread->routing(operands.turn),
                           .order = spread->order(),
                           .out = operands.target};
      return args;
    };
  };
  return c;
}

}  // namespace

void make_products(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  const auto add = [&](const std::vector<Matrix>& matrices, uint32_t most_rows) {
    for (const Matrix& matrix : matrices) {
      if (!can_be_packed(matrix, kernel.weight)) continue;
      for (const uint32_t rows : suite.product_rows) {
        if (rows <= most_rows) cases.push_back(product(kernel, matrix, rows));
      }
    }
  };
  add(suite.matrices, ~0u);
  if (is_block_format(kernel.weight)) return;  // stored so: any shape tells as much
  add(suite.layer_matrices, ~0u);
  constexpr uint32_t kMostSampledRows = 32;
  if (kernel.kind == OpKind::kGemm) add(suite.head_matrices, kMostSampledRows);
}

void make_grouped_products(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  for (const Experts& experts : suite.experts) {
    for (const uint32_t rows : suite.product_rows) {
      cases.push_back(grouped_product(kernel, experts, rows));
    }
  }
}

}  // namespace nf::bench
