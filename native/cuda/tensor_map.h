// How tensor copies (ptx::tensor_copy_2d) are told what they copy of.
#pragma once

#include <cuda.h>

#include <cstdint>

#include "core/tensor.h"

namespace nf::cuda {

constexpr uint32_t kSwizzledColumns = 64;  // 128 bytes

// A matrix [rows, columns] of 16-bit elements whose boxes of kSwizzledColumns columns come with the
// 128-byte swizzle. Cheap: nothing of the device is asked. Throws NF_UNSUPPORTED.
CUtensorMap swizzled_map(DType dtype, const void* matrix, uint64_t rows, uint64_t columns,
                         uint32_t box_rows);

}  // namespace nf::cuda
