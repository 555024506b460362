// The lane that CUDA kernels of a case run on, on the emulated device: its memory is the host's.
#pragma once

#include "kernel_cases.h"

namespace test {

std::unique_ptr<CaseLane> open_cuda_lane(uint32_t units, size_t scratch_bytes);

}  // namespace test
