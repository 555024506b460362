#include "cuda/errors.h"

namespace nf::cuda {

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // what is not sticky must not be reported again elsewhere
  const nf_status status = error == cudaErrorMemoryAllocation ? NF_OUT_OF_MEMORY : NF_DEVICE_LOST;
  throw Error(status, std::string("CUDA: ") + what + ": " + cudaGetErrorName(error) + ", " +
                          cudaGetErrorString(error));
}

}  // namespace nf::cuda
