// Attention for AVX2. The algorithm is in attention.h, the vector type in vec_avx2.h.
#include "cpu/kernels/attention.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx2.h"

namespace nf::cpu {

void decode_attention_avx2(const OpArgs& args, Lane& lane) {
  DecodeAttention<Avx2>::launch(args, lane);
}

size_t decode_attention_avx2_workspace(const OpShape& shape) {
  return DecodeAttention<Avx2>::workspace(shape);
}

bool decode_attention_avx2_supports(const OpShape& shape) {
  return DecodeAttention<Avx2>::supports(shape);
}

void prefill_attention_avx2(const OpArgs& args, Lane& lane) {
  PrefillAttention<Avx2>::launch(args, lane);
}

size_t prefill_attention_avx2_workspace(const OpShape& shape) {
  return PrefillAttention<Avx2>::workspace(shape);
}

bool prefill_attention_avx2_supports(const OpShape& shape) {
  return PrefillAttention<Avx2>::supports(shape);
}

}  // namespace nf::cpu
