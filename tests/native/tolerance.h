// How far a kernel may be from the reference: |actual - expected| <= absolute + relative *
// |expected|, for inputs of about unit size.
//
// The reference gets the same inputs, already rounded to the operand dtype, and sums in double.
// What remains is the order of fp32 sums (absolute) and the rounding of what is written, or kept in
// KV pages, in the operand dtype (relative: bf16 keeps 8 bits, so one rounding is 2^-9, and a sum
// that falls on the other side of a tie is one bf16 step, 2^-8, away).
#pragma once

#include "core/op.h"

namespace test {

struct Tolerance {
  float absolute;
  float relative;
};

constexpr float kBf16Step = 1.0f / 256;
constexpr float kF16Step = 1.0f / 2048;

// From a number of a dtype to the next, relative; fp32 is what tolerances are written for.
constexpr float step_of(nf::DType dtype) {
  if (dtype == nf::DType::kF32) return 0.0f;
  return dtype == nf::DType::kF16 ? kF16Step : kBf16Step;
}

// `written`: the dtype of the output.
constexpr Tolerance tolerance(nf::OpKind kind, nf::DType operand, nf::DType written) {
  const float rounding = step_of(written);
  switch (kind) {
    case nf::OpKind::kEmbedding:
    case nf::OpKind::kEcho:
    case nf::OpKind::kQuantize:
      return {0.0f, 0.0f};
    case nf::OpKind::kRmsNormQuantize:  // a step of int8 is a part of the row's largest number
      return {0.2f, 0.02f};
    case nf::OpKind::kRoute:  // experts, as whole numbers, are equal or far apart
      return {0.0f, 4e-6f};
    case nf::OpKind::kGemm:
    case nf::OpKind::kGroupedGemm:
      return {2e-5f, rounding + 2e-6f};
    case nf::OpKind::kGemmSwiGlu:  // the errors of gate and up, times each other
    case nf::OpKind::kGemmGeGlu:
      return {2e-4f, rounding + 8e-6f};
    case nf::OpKind::kDecodeAttention:
    case nf::OpKind::kPrefillAttention:
      // K, V and the weights of the keys are operands: errors of many keys add up like noise.
      if (operand == nf::DType::kF32) return {2e-5f, 2e-6f};
      return {3.84f * step_of(operand), 2 * step_of(operand)};
    case nf::OpKind::kCombineExperts:
      return {4e-6f, 4e-6f};
    case nf::OpKind::kSample:
    case nf::OpKind::kPool:
      return {2e-5f, 2e-6f};
    default:
      return {1e-6f, rounding + 4e-6f};
  }
}

}  // namespace test
