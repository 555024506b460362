// The kernel table of a CUDA device: which rows it has depends on what its processors can do.
#pragma once

#include <span>

#include "core/backend.h"
#include "cuda/device.h"

namespace nf::cuda {

// `operand`: kBF16 or kF16.
std::span<const Kernel> kernel_table(const DeviceFacts& device, DType operand);

}  // namespace nf::cuda
