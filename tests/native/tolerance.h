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

// `written`: the dtype of the output.
constexpr Tolerance tolerance(nf::OpKind kind, nf::DType operand, nf::DType written) {
  const bool bf16 = operand == nf::DType::kBF16;
  const float rounding = written == nf::DType::kBF16 ? kBf16Step : 0.0f;
  switch (kind) {
    case nf::OpKind::kEmbedding:
    case nf::OpKind::kEcho:
    case nf::OpKind::kRoute:  // one function for all
      return {0.0f, 0.0f};
    case nf::OpKind::kGemm:
    case nf::OpKind::kGroupedGemm:
      return {2e-5f, rounding + 2e-6f};
    case nf::OpKind::kDecodeAttention:
    case nf::OpKind::kPrefillAttention:
      // K, V and the weights of the keys are bf16: errors of many keys add up like noise.
      return bf16 ? Tolerance{1.5e-2f, 2 * kBf16Step} : Tolerance{2e-5f, 2e-6f};
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
