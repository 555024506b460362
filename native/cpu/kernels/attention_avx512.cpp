// Attention for AVX-512. The algorithm is in attention.h, the vector type in vec_avx512.h.
#include "cpu/kernels/attention.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

void decode_attention_avx512(const OpArgs& args, Lane& lane) {
  DecodeAttention<Avx512>::launch(args, lane);
}

size_t decode_attention_avx512_workspace(const OpShape& shape) {
  return DecodeAttention<Avx512>::workspace(shape);
}

bool decode_attention_avx512_supports(const OpShape& shape) {
  return DecodeAttention<Avx512>::supports(shape);
}

void prefill_attention_avx512(const OpArgs& args, Lane& lane) {
  PrefillAttention<Avx512>::launch(args, lane);
}

size_t prefill_attention_avx512_workspace(const OpShape& shape) {
  return PrefillAttention<Avx512>::workspace(shape);
}

bool prefill_attention_avx512_supports(const OpShape& shape) {
  return PrefillAttention<Avx512>::supports(shape);
}

}  // namespace nf::cpu
