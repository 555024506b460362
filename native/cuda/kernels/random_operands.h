// Random numbers of about unit size in device memory, for measurements.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "core/tensor.h"

namespace nf::cuda {

// Fills `bytes` with elements of a dtype; always the same ones.
void fill_operands(DType dtype, std::byte* memory, size_t bytes, cudaStream_t stream);

}  // namespace nf::cuda
