// How a CUDA device stores matrices: row-major [out, in] in the operand dtype, whatever the file
// has. Blocks of quantised formats are decoded when they are loaded.
#pragma once

#include "core/backend.h"

namespace nf::cuda {

size_t matrix_bytes(uint32_t out, uint32_t in);

// Row `row` of a source [rows, in] of `dtype`, converted to `operand` (bf16 or fp16).
void convert_row(const Backend::PackSpec& spec, const void* source, uint32_t row, DType operand,
                 std::byte* out);

}  // namespace nf::cuda
