// Types and values of the runtime's interface.
#pragma once

using cudaStream_t = struct CUstream_st*;

enum cudaError {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
};
using cudaError_t = cudaError;
