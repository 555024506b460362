// Functions of the CUDA driver, looked up at run time: no libcuda is linked, and what an older
// driver lacks is null. The only place that knows versions of the toolkit apart.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

namespace nf::cuda {

// cuda.h declares cuGreenCtxStreamCreate from 12.5 on.
using GreenStreamCreateFn = CUresult (*)(CUstream*, CUgreenCtx, unsigned flags, int priority);

struct Driver {
  decltype(&::cuTensorMapEncodeTiled) encode_tensor_map = nullptr;
  decltype(&::cuDeviceGet) device_get = nullptr;
  decltype(&::cuDeviceGetDevResource) device_resource = nullptr;
  decltype(&::cuDevSmResourceSplitByCount) split_sms = nullptr;
  decltype(&::cuDevResourceGenerateDesc) describe_resource = nullptr;
  decltype(&::cuGreenCtxCreate) green_context_create = nullptr;
  decltype(&::cuGreenCtxDestroy) green_context_destroy = nullptr;
  GreenStreamCreateFn green_stream_create = nullptr;

  // Can streams on SMs of their own be made?
  bool has_green_contexts() const {
    return device_get && device_resource && split_sms && describe_resource &&
           green_context_create && green_context_destroy && green_stream_create;
  }
};

// Any thread, after cudaSetDevice has succeeded once.
const Driver& driver();

}  // namespace nf::cuda
