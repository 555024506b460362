// Attention for every processor. The algorithm is in attention.h, the vector type in vec_scalar.h.
#include "cpu/kernels/attention.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_scalar.h"

namespace nf::cpu {

void decode_attention_scalar(const OpArgs& args, Lane& lane) {
  DecodeAttention<Scalar>::launch(args, lane);
}

size_t decode_attention_scalar_workspace(const OpShape& shape) {
  return DecodeAttention<Scalar>::workspace(shape);
}

bool decode_attention_scalar_supports(const OpShape& shape) {
  return DecodeAttention<Scalar>::supports(shape);
}

void prefill_attention_scalar(const OpArgs& args, Lane& lane) {
  PrefillAttention<Scalar>::launch(args, lane);
}

size_t prefill_attention_scalar_workspace(const OpShape& shape) {
  return PrefillAttention<Scalar>::workspace(shape);
}

bool prefill_attention_scalar_supports(const OpShape& shape) {
  return PrefillAttention<Scalar>::supports(shape);
}

}  // namespace nf::cpu
