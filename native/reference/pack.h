// The reference layouts: a packed matrix is the checkpoint's matrix widened to fp32 (of an int8
// one: the integers times their scales), and a KV page is plain fp32 with all keys before all
// values.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/backend.h"

namespace nf::reference {

// Always plain: blocks are dequantized, which is exact.
DType packed_format(DType stored);

// Bytes of an [out, in] matrix: fp32, row-major.
size_t matrix_bytes(uint32_t out, uint32_t in, DType format = DType::kPlain);

// Widens rows [first_out, first_out + rows) from source [rows, in] into packed [out, in].
// `source` may be unaligned.
void pack_matrix(const Backend::PackSpec& spec, const void* source, std::byte* packed);

// Bytes of one page of one layer: fp32 [2, kv_heads, page_tokens, head_dim], keys then values.
size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim);

}  // namespace nf::reference
