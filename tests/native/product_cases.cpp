// Cases of norms, of rounding to int8 and of GEMMs.
#include <cmath>

#include "case_run.h"

namespace test {
namespace {

using nf::DType;
using nf::OpArgs;

// Rows that a norm reads: gathered or not.
struct NormInput {
  explicit NormInput(Run& run)
      : hidden(run.shape.out),
        rows(pick(run.random, 1, 20)),
        x(DType::kF32, normal(run.random, 2 * size_t{rows} * hidden)),
        weight(DType::kF32, normal(run.random, hidden)),
        gather(rows) {
    for (uint32_t& row : gather) row = pick(run.random, 0, 2 * rows - 1);
    if (pick(run.random, 0, 1) == 0) gather.clear();
  }
  nf::RmsNormArgs args(void* out, const float* residual) {
    return {{},         gather.empty() ? nullptr : gather.data(),
            x.floats(), weight.floats(),
            out,        hidden,
            1e-5f,      residual};
  }

  uint32_t hidden;
  uint32_t rows;
  Tensor x;
  Tensor weight;
  std::vector<uint32_t> gather;
};

}  // namespace

void run_rms_norm(Run& run) {
  NormInput input(run);
  const size_t count = size_t{input.rows} * input.hidden;
  const bool adds = pick(run.random, 0, 1) == 0;
  Tensor residual(DType::kF32, normal(run.random, count));
  Tensor out(adds ? DType::kF32 : run.subject.operand, count);
  OpArgs args;
  args.rms_norm = input.args(out.data(), adds ? residual.floats() : nullptr);
  run.launch(args, args.rms_norm.rows, {0, input.rows});
  run.output.rows = input.rows;
  out.append_to(run.output);
}

void run_rms_norm_quantize(Run& run) {
  NormInput input(run);
  QuantizedRows out(input.rows, input.hidden);
  OpArgs args;
  args.rms_norm = input.args(out.data(), nullptr);
  run.launch(args, args.rms_norm.rows, {0, input.rows});
  run.output.rows = input.rows;
  out.append_to(run.output);
}

void run_quantize(Run& run) {
  const uint32_t width = run.shape.out;
  const uint32_t rows = pick(run.random, 1, 20);
  std::vector<float> values = operands(run.random, size_t{rows} * width);
  std::fill_n(values.begin() + size_t{pick(run.random, 0, rows - 1)} * width, width, 0.0f);
  Tensor x(run.subject.operand, values);
  QuantizedRows out(rows, width);
  OpArgs args;
  args.quantize = {{}, x.data(), out.data(), width};
  run.launch(args, args.quantize.rows, {0, rows});
  run.output.rows = rows;
  out.append_to(run.output);
}

void run_gemm(Run& run) {
  const uint32_t out_width = run.shape.out;
  const uint32_t in = run.shape.in;
  const uint32_t rows = pick(run.random, 1, 40);
  const float deviation = 1.0f / std::sqrt(float(in));
  GemmInput a(run.random, run.subject.operand, run.weight, rows, in);
  const PackedMatrix weight(run, out_width, in, deviation);
  Tensor bias(DType::kF32, normal(run.random, out_width));
  Tensor residual(DType::kF32, normal(run.random, size_t{rows} * out_width));
  const bool biased = pick(run.random, 0, 1) == 0;
  const bool adds = pick(run.random, 0, 1) == 0;
  const bool wide = pick(run.random, 0, 1) == 0;
  const float softcap = pick(run.random, 0, 1) == 0 ? 0.0f : 1.5f;
  const DType dtype = adds || wide ? DType::kF32 : run.subject.operand;
  Tensor out(dtype, size_t{rows} * out_width);
  OpArgs args;
  args.gemm = {{},
               a.data(),
               weight.view(),
               biased ? bias.floats() : nullptr,
               adds ? residual.floats() : nullptr,
               out.data(),
               dtype,
               softcap};
  run.launch(args, args.gemm.rows, {0, rows});
  run.output.rows = rows;
  out.append_to(run.output);
}

void run_gemm_glu(Run& run) {
  const uint32_t in = run.shape.in;
  const uint32_t rows = pick(run.random, 1, 40);
  GemmInput a(run.random, run.subject.operand, run.weight, rows, in);
  const PackedMatrix weight(run, run.shape.out, in, 1.0f / std::sqrt(float(in)));
  Tensor bias(DType::kF32, normal(run.random, run.shape.out));
  const bool biased = pick(run.random, 0, 1) == 0;
  Tensor out(run.subject.operand, size_t{rows} * run.shape.out / 2);
  OpArgs args;
  args.gemm = {{},      a.data(),   weight.view(),      biased ? bias.floats() : nullptr,
               nullptr, out.data(), run.subject.operand};
  run.launch(args, args.gemm.rows, {0, rows});
  run.output.rows = rows;
  out.append_to(run.output);
}

}  // namespace test
