// From the toolkit's error codes to nf::Error.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "core/check.h"

namespace nf::cuda {

// Throws NF_OUT_OF_MEMORY or NF_DEVICE_LOST with what was attempted and the toolkit's words.
void check(cudaError_t error, const char* what);

// The error that a launch since the last call has left, if any.
inline void check_launches(const char* what) { check(cudaGetLastError(), what); }

}  // namespace nf::cuda
