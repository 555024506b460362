// Packed weights: what a GEMM streams, and what an embedding lookup reads.
//
// A matrix [out, in] is cut into panels of 32 output columns. A panel is [in / 2][32][2] bf16: two
// neighbours of the reduced dimension stand together in one 32-bit word, as vdpbf16ps wants them.
// Columns are padded to 32 and the reduced dimension to 2, with zeros. Every instruction set uses
// this layout. fp32 and fp16 sources are rounded to bf16, to nearest even. Matrices in int8 and in
// block formats have panels of their own: see int8_pack.h and block_pack.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/backend.h"

namespace nf::cpu {

constexpr uint32_t kPanelColumns = 32;

// Words (pairs of bf16) of one column of a packed matrix, and of one panel.
static constexpr size_t pairs_of(uint32_t in) { return (size_t{in} + 1) / 2; }
static constexpr size_t panel_words(uint32_t in) { return pairs_of(in) * kPanelColumns; }

// Plain, or the block format in which the matrix is stored.
DType packed_format(DType stored);

size_t matrix_bytes(uint32_t out, uint32_t in, DType format = DType::kPlain);

// Packs source [spec.rows, spec.in] as rows [first_out, first_out + rows) of `packed`, which must
// be zero where nothing was packed yet.
void pack_matrix(const Backend::PackSpec& spec, const void* source, std::byte* packed,
                 uint32_t threads = 1);

// Row `row` of a packed matrix, widened to fp32: out[weight.in].
void unpack_row(const WeightView& weight, uint32_t row, float* out);

size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim);

}  // namespace nf::cpu
