// Reference GEMMs: of plain and of int8 weights, which are both fp32 here, alone and with a gated
// linear unit behind them.
#include <cstring>

#include "core/check.h"
#include "kernels.h"
#include "row.h"

namespace nf::reference {
namespace {

// Of a row of activations: a[in] times scale.
struct Operand {
  const float* a;
  double scale;
};

Operand plain_operand(const GemmArgs& args, uint32_t row, float*) {
  return {static_cast<const float*>(args.a) + size_t{row} * args.weight.in, 1};
}

Operand int8_operand(const GemmArgs& args, uint32_t row, float* scratch) {
  const uint32_t in = args.weight.in;
  const auto* bytes = static_cast<const std::byte*>(args.a) + row * row_bytes(DType::kI8, in);
  for (uint32_t i = 0; i < in; ++i) scratch[i] = float(int(bytes[i]) - int{kQuantizedZero});
  float scale;
  std::memcpy(&scale, bytes + quantized_bytes(in), sizeof(scale));
  return {scratch, double{scale}};
}

double product(const GemmArgs& args, const Operand& operand, size_t column) {
  const size_t in = args.weight.in;
  const float* weight = static_cast<const float*>(args.weight.data) + column * in;
  const double sum = dot(operand.a, weight, in) * operand.scale;
  return args.bias != nullptr ? sum + double{args.bias[column]} : sum;
}

template <typename Read>
void multiply(const GemmArgs& args, Lane& lane, Read read) {
  NF_ASSERT(args.out_dtype == DType::kF32);
  lane.for_each(args.rows.size(), [&](uint32_t task, uint32_t worker) {
    const uint32_t row = args.rows.begin + task;
    const Operand operand = read(args, row, reinterpret_cast<float*>(lane.scratch(worker)));
    const size_t base = size_t{row} * args.stride();
    float* y = static_cast<float*>(args.out) + base;
    for (size_t j = 0; j < args.weight.out; ++j) {
      double sum = product(args, operand, j);
      if (args.residual != nullptr) sum += double{args.residual[base + j]};
      y[j] = float(soft_cap(sum, args.softcap));
    }
  });
}

// Gate and up are rounded to fp32, as a GEMM that writes them does.
template <typename Read, typename Activation>
void multiply_gated(const GemmArgs& args, Lane& lane, Read read, Activation activation) {
  NF_ASSERT(args.out_dtype == DType::kF32);
  const size_t width = args.weight.out / 2;
  lane.for_each(args.rows.size(), [&](uint32_t task, uint32_t worker) {
    const uint32_t row = args.rows.begin + task;
    const Operand operand = read(args, row, reinterpret_cast<float*>(lane.scratch(worker)));
    float* y = static_cast<float*>(args.out) + row * width;
    for (size_t j = 0; j < width; ++j) {
      const auto gate = float(product(args, operand, j));
      const auto up = float(product(args, operand, width + j));
      y[j] = float(activation(double{gate}) * double{up});
    }
  });
}

}  // namespace

void gemm(const OpArgs& op, Lane& lane) { multiply(op.gemm, lane, plain_operand); }

void gemm_int8(const OpArgs& op, Lane& lane) { multiply(op.gemm, lane, int8_operand); }

void gemm_swi_glu(const OpArgs& op, Lane& lane) {
  multiply_gated(op.gemm, lane, plain_operand, silu);
}

void gemm_ge_glu(const OpArgs& op, Lane& lane) {
  multiply_gated(op.gemm, lane, plain_operand, gelu);
}

void gemm_int8_swi_glu(const OpArgs& op, Lane& lane) {
  multiply_gated(op.gemm, lane, int8_operand, silu);
}

void gemm_int8_ge_glu(const OpArgs& op, Lane& lane) {
  multiply_gated(op.gemm, lane, int8_operand, gelu);
}

size_t gemm_int8_workspace(const OpShape& shape) { return shape.in * sizeof(float); }

}  // namespace nf::reference
