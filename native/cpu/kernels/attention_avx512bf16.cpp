// Attention for AVX-512 BF16. The algorithm is in attention.h, the vector type in vec_avx512.h.
#include "cpu/kernels/attention.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec_avx512.h"

namespace nf::cpu {

void decode_attention_avx512bf16(const OpArgs& args, Lane& lane) {
  DecodeAttention<Avx512Bf16>::launch(args, lane);
}

size_t decode_attention_avx512bf16_workspace(const OpShape& shape) {
  return DecodeAttention<Avx512Bf16>::workspace(shape);
}

bool decode_attention_avx512bf16_supports(const OpShape& shape) {
  return DecodeAttention<Avx512Bf16>::supports(shape);
}

void prefill_attention_avx512bf16(const OpArgs& args, Lane& lane) {
  PrefillAttention<Avx512Bf16>::launch(args, lane);
}

size_t prefill_attention_avx512bf16_workspace(const OpShape& shape) {
  return PrefillAttention<Avx512Bf16>::workspace(shape);
}

bool prefill_attention_avx512bf16_supports(const OpShape& shape) {
  return PrefillAttention<Avx512Bf16>::supports(shape);
}

}  // namespace nf::cpu
