#include "cuda/device.h"

#include <cuda_runtime.h>

#include "core/check.h"
#include "cuda/errors.h"

namespace nf::cuda {

namespace {

constexpr int kOldestDriver = 12040;

[[noreturn]] void refuse(const std::string& reason) {
  cudaGetLastError();
  throw Error(NF_UNSUPPORTED, "CUDA: " + reason);
}

int attribute(cudaDeviceAttr name, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, name, device), "cudaDeviceGetAttribute");
  return value;
}

void check_driver(int& version) {
  const cudaError_t error = cudaDriverGetVersion(&version);
  if (error != cudaSuccess || version == 0) {
    refuse("no NVIDIA driver was found; install one for CUDA " + version_text(kOldestDriver) +
           " or newer, or use --device cpu");
  }
  if (version < kOldestDriver) {
    refuse("the NVIDIA driver supports CUDA " + version_text(version) + ", and " +
           version_text(kOldestDriver) + " is needed; update the driver");
  }
}

}  // namespace

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string DeviceFacts::isa() const {
  if (is_hopper()) return "sm_90a";
  return major == 8 && minor == 9 ? "sm_89" : "sm_80";
}

DeviceFacts open_device(uint32_t index) {
  DeviceFacts facts;
  check_driver(facts.driver_version);
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0) {
    refuse(std::string("the driver shows no device (") + cudaGetErrorName(error) +
           "); in a container, start it with access to the GPU");
  }
  if (index >= static_cast<uint32_t>(count)) {
    refuse("device " + std::to_string(index) + " does not exist; there are " +
           std::to_string(count) + ", counted from 0");
  }
  facts.index = static_cast<int>(index);
  check(cudaSetDevice(facts.index), "cudaSetDevice");
  facts.major = attribute(cudaDevAttrComputeCapabilityMajor, facts.index);
  facts.minor = attribute(cudaDevAttrComputeCapabilityMinor, facts.index);
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, facts.index), "cudaGetDeviceProperties");
  facts.name = properties.name;
  // Machine code of sm_80 runs on 8.x, that of sm_90a on 9.0 alone.
  const bool supported = facts.major == 8 || (facts.major == 9 && facts.minor == 0);
  if (!supported) {
    refuse(facts.name + " has compute capability " + std::to_string(facts.major) + "." +
           std::to_string(facts.minor) + "; this build has kernels for 8.x and 9.0");
  }
  facts.num_units = static_cast<uint32_t>(attribute(cudaDevAttrMultiProcessorCount, facts.index));
  facts.unit_step = facts.is_hopper() ? 8 : 4;
  facts.shared_bytes =
      static_cast<size_t>(attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor, facts.index));
  size_t free = 0;
  size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  facts.memory_free = free;
  facts.memory_total = total;
  return facts;
}

}  // namespace nf::cuda
