// What the emulated device says of itself.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <span>

#include "emulation/block.h"
#include "emulation/queue.h"

namespace {

using emulation::Device;
using emulation::DeviceSpec;

constexpr int kThreadsPerUnit = 2048;
constexpr int kBlocksPerUnit = 32;
constexpr int kSharedPerUnit = 228 << 10;
constexpr int kReservedShared = 1 << 10;  // of each block

struct ErrorName {
  cudaError_t error;
  const char* name;
  const char* text;
};

constexpr ErrorName kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
     "an illegal memory access was encountered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined",
     "capturing stream has unjoined work"},
    {cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
     "dependency created on uncaptured work in another stream"},
    {cudaErrorCapturedEvent, "cudaErrorCapturedEvent",
     "operation not permitted on an event last recorded in a capturing stream"},
};

const ErrorName& find(cudaError_t error) {
  static constexpr ErrorName kOther = {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"};
  const auto* found = std::find_if(std::begin(kErrors), std::end(kErrors),
                                   [&](const ErrorName& row) { return row.error == error; });
  return found == std::end(kErrors) ? kOther : *found;
}

struct Attribute {
  cudaDeviceAttr attribute;
  int value;
};

// Of every emulated device.
constexpr Attribute kAttributes[] = {
    {cudaDevAttrMaxThreadsPerBlock, static_cast<int>(emulation::kMaxThreads)},
    {cudaDevAttrMaxSharedMemoryPerBlock, static_cast<int>(emulation::kDefaultDynamicShared)},
    {cudaDevAttrMaxSharedMemoryPerBlockOptin, static_cast<int>(emulation::kMaxDynamicShared)},
    {cudaDevAttrMaxSharedMemoryPerMultiprocessor, kSharedPerUnit},
    {cudaDevAttrReservedSharedMemoryPerBlock, kReservedShared},
    {cudaDevAttrWarpSize, 32},
    {cudaDevAttrClockRate, 1980000},
    {cudaDevAttrMemoryClockRate, 3201000},
    {cudaDevAttrGlobalMemoryBusWidth, 6144},
    {cudaDevAttrL2CacheSize, 60 << 20},
    {cudaDevAttrMaxThreadsPerMultiProcessor, kThreadsPerUnit},
    {cudaDevAttrMaxBlocksPerMultiprocessor, kBlocksPerUnit},
    {cudaDevAttrMaxRegistersPerMultiprocessor, 65536},
    {cudaDevAttrIntegrated, 0},
    {cudaDevAttrPciBusId, 0},
    {cudaDevAttrUnifiedAddressing, 1},
    {cudaDevAttrMemoryPoolsSupported, 0},
};

cudaError_t attribute_of(const DeviceSpec& spec, cudaDeviceAttr attribute, int* value) {
  const Attribute chosen[] = {
      {cudaDevAttrMultiProcessorCount, spec.units},
      {cudaDevAttrComputeCapabilityMajor, spec.major},
      {cudaDevAttrComputeCapabilityMinor, spec.minor},
  };
  for (const std::span<const Attribute> rows :
       {std::span<const Attribute>(kAttributes), std::span<const Attribute>(chosen)}) {
    for (const Attribute& row : rows) {
      if (row.attribute != attribute) continue;
      *value = row.value;
      return cudaSuccess;
    }
  }
  return cudaErrorInvalidValue;
}

thread_local int current_device = 0;

}  // namespace

const char* cudaGetErrorName(cudaError_t error) { return find(error).name; }
const char* cudaGetErrorString(cudaError_t error) { return find(error).text; }

cudaError_t cudaGetDeviceCount(int* count) {
  const Device::Lock lock(Device::get().mutex());
  *count = Device::get().spec().devices;
  return Device::note(*count == 0 ? cudaErrorNoDevice : cudaSuccess);
}

cudaError_t cudaGetDevice(int* device) {
  return Device::get().call([&](Device::Lock&) {
    *device = current_device;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return Device::get().call([&](Device::Lock&) {
    if (device < 0 || device >= Device::get().spec().devices) return cudaErrorInvalidDevice;
    current_device = device;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDeviceFlags(unsigned) {
  return Device::get().call([](Device::Lock&) { return cudaSuccess; });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return Device::get().call([&](Device::Lock&) {
    const DeviceSpec& spec = Device::get().spec();
    if (device < 0 || device >= spec.devices) return cudaErrorInvalidDevice;
    return attribute_of(spec, attribute, value);
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return Device::get().call([&](Device::Lock&) {
    const DeviceSpec& spec = Device::get().spec();
    if (device < 0 || device >= spec.devices) return cudaErrorInvalidDevice;
    *properties = {};
    std::strncpy(properties->name, spec.name.c_str(), sizeof(properties->name) - 1);
    properties->totalGlobalMem = spec.memory;
    properties->sharedMemPerBlock = emulation::kDefaultDynamicShared;
    properties->sharedMemPerBlockOptin = emulation::kMaxDynamicShared;
    properties->sharedMemPerMultiprocessor = kSharedPerUnit;
    properties->reservedSharedMemPerBlock = kReservedShared;
    properties->warpSize = 32;
    properties->maxThreadsPerBlock = static_cast<int>(emulation::kMaxThreads);
    properties->maxThreadsPerMultiProcessor = kThreadsPerUnit;
    properties->maxBlocksPerMultiProcessor = kBlocksPerUnit;
    properties->regsPerMultiprocessor = 65536;
    properties->multiProcessorCount = spec.units;
    properties->major = spec.major;
    properties->minor = spec.minor;
    attribute_of(spec, cudaDevAttrL2CacheSize, &properties->l2CacheSize);
    attribute_of(spec, cudaDevAttrGlobalMemoryBusWidth, &properties->memoryBusWidth);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetPCIBusId(char* id, int length, int device) {
  return Device::get().call([&](Device::Lock&) {
    if (device < 0 || device >= Device::get().spec().devices) return cudaErrorInvalidDevice;
    std::snprintf(id, static_cast<size_t>(length), "0000:%02x:00.0", device);
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  const Device::Lock lock(Device::get().mutex());
  *version = Device::get().spec().driver_version;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

// Registers are not known here, so the answer is an upper bound.
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel,
                                                          int threads, size_t shared_bytes) {
  return Device::get().call([&](Device::Lock&) {
    if (kernel == nullptr || threads <= 0 || threads > static_cast<int>(emulation::kMaxThreads)) {
      return cudaErrorInvalidValue;
    }
    const int by_threads = kThreadsPerUnit / ((threads + 31) / 32 * 32);
    const size_t block_shared = (shared_bytes + kReservedShared + 127) / 128 * 128;
    const int by_shared = static_cast<int>(kSharedPerUnit / block_shared);
    *blocks = shared_bytes > emulation::kMaxDynamicShared
                  ? 0
                  : std::min({by_threads, by_shared, kBlocksPerUnit});
    return cudaSuccess;
  });
}
