// Functions of the driver, looked up when they are needed: the program starts without a driver.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

namespace nf::cuda {

// The function of this name as of a version of CUDA (12040 for 12.4); null where the driver is too
// old for it.
template <typename Function>
Function driver_function(const char* name, unsigned version) {
  void* address = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
#if CUDART_VERSION >= 12050
  const cudaError_t error =
      cudaGetDriverEntryPointByVersion(name, &address, version, cudaEnableDefault, &found);
#else
  static_cast<void>(version);
  const cudaError_t error = cudaGetDriverEntryPoint(name, &address, cudaEnableDefault, &found);
#endif
  if (error != cudaSuccess || found != cudaDriverEntryPointSuccess) return nullptr;
  return reinterpret_cast<Function>(address);
}

}  // namespace nf::cuda
