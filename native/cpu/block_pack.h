// Packed weights in block formats: the bytes of the file in the order in which a GEMM reads them.
//
// A matrix [out, in] is cut into panels of 32 output columns like a plain one, and a panel into
// panel blocks: the blocks that 32 columns have at one place of the reduced dimension, which take
// as many bytes as in the file. All parts of a panel block are [..][32 columns]:
//
//   q8_0  fp16 scale | int8 values [16 pairs][2]
//   q4_0  fp16 scale | words [4]
//   q4_k  fp16 scale | fp16 min | bytes [8]: low 4 bits of s and of m | bytes [4]: high 2 bits of
//         s and m of two sub-blocks | words [32]
//   q6_k  fp16 scale | int8 s [16] | words [32] with low 4 bits | words [16] with high 2 bits
//
// A word holds the bits of 8 (or 16) neighbours of the reduced dimension, those with even index in
// its low half and those with odd index in its high half: shifted right by the bits of the pairs
// before it, its halves end with the two values of a pair of bf16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/backend.h"
#include "core/block_formats.h"
#include "cpu/pack.h"

namespace nf::cpu {

// Of one panel; a multiple of a cache line.
static constexpr size_t block_panel_bytes(uint32_t in, DType format) {
  return size_t{in} / block_format(format).elements * block_format(format).bytes * kPanelColumns;
}

size_t block_matrix_bytes(uint32_t out, uint32_t in, DType format);

// As pack_matrix in pack.h. Columns that belong to no row of the matrix stay zero.
void pack_block_matrix(const Backend::PackSpec& spec, const std::byte* source, std::byte* packed);

// Row `row` of a packed matrix as fp32: out[weight.in].
void unpack_block_row(const WeightView& weight, uint32_t row, float* out);

}  // namespace nf::cpu
