// The driver's interface: entry points by name, and green contexts, whose SMs are counted only.
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "cuda.h"
#include "emulation/queue.h"

namespace emulation {
cudaStream_t create_green_stream(int units);
}

struct CUdevResourceDesc_st {
  unsigned units;
};

struct CUgreenCtx_st {
  unsigned units;
};

namespace {

using emulation::Device;

thread_local std::vector<CUcontext> contexts;  // pushed by the thread

// On this architecture the SMs of a group come in eights, before in pairs and at least four.
unsigned granularity() { return Device::get().spec().major >= 9 ? 8 : 2; }
unsigned least_group() { return Device::get().spec().major >= 9 ? 8 : 4; }

void describe(CUdevResource* resource, unsigned units) {
  std::memset(resource, 0, sizeof(*resource));
  resource->type = units == 0 ? CU_DEV_RESOURCE_TYPE_INVALID : CU_DEV_RESOURCE_TYPE_SM;
  resource->sm.smCount = units;
}

// cuda.h has it from 12.5 on; programs of 12.4 know it by name.
CUresult green_stream(CUstream* stream, CUgreenCtx context, unsigned flags, int) {
  if (stream == nullptr || context == nullptr || flags != CU_STREAM_NON_BLOCKING) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *stream = emulation::create_green_stream(static_cast<int>(context->units));
  return CUDA_SUCCESS;
}

struct EntryPoint {
  void* function;
  int version;  // of the driver that has it
};

template <typename F>
EntryPoint entry(F* function, int version = 12040) {
  return {reinterpret_cast<void*>(function), version};
}

const std::map<std::string, EntryPoint>& entry_points() {
  static const std::map<std::string, EntryPoint> all = {
      {"cuInit", entry(&cuInit)},
      {"cuDeviceGet", entry(&cuDeviceGet)},
      {"cuCtxPushCurrent", entry(&cuCtxPushCurrent)},
      {"cuCtxPopCurrent", entry(&cuCtxPopCurrent)},
      {"cuStreamCreateWithPriority", entry(&cuStreamCreateWithPriority)},
      {"cuDeviceGetDevResource", entry(&cuDeviceGetDevResource)},
      {"cuDevSmResourceSplitByCount", entry(&cuDevSmResourceSplitByCount)},
      {"cuDevResourceGenerateDesc", entry(&cuDevResourceGenerateDesc)},
      {"cuGreenCtxCreate", entry(&cuGreenCtxCreate)},
      {"cuGreenCtxDestroy", entry(&cuGreenCtxDestroy)},
      {"cuCtxFromGreenCtx", entry(&cuCtxFromGreenCtx)},
      {"cuGreenCtxStreamCreate", entry(&green_stream, 12050)},
      {"cuTensorMapEncodeTiled", entry(&cuTensorMapEncodeTiled)},
  };
  return all;
}

}  // namespace

cudaError_t cudaGetDriverEntryPoint(const char* symbol, void** function, unsigned long long,
                                    cudaDriverEntryPointQueryResult* status) {
  return Device::get().call([&](Device::Lock&) {
    const auto found = entry_points().find(symbol);
    const bool known = found != entry_points().end();
    const bool there = known && found->second.version <= Device::get().spec().driver_version;
    *function = there ? found->second.function : nullptr;
    if (status != nullptr) {
      *status = there   ? cudaDriverEntryPointSuccess
                : known ? cudaDriverEntryPointVersionNotSufficent
                        : cudaDriverEntryPointSymbolNotFound;
    }
    return cudaSuccess;
  });
}

CUresult cuInit(unsigned) { return CUDA_SUCCESS; }

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  *device = ordinal;
  return ordinal >= 0 && ordinal < Device::get().spec().devices ? CUDA_SUCCESS
                                                                : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuCtxPushCurrent(CUcontext context) {
  contexts.push_back(context);
  return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent(CUcontext* context) {
  if (contexts.empty()) return CUDA_ERROR_INVALID_CONTEXT;
  if (context != nullptr) *context = contexts.back();
  contexts.pop_back();
  return CUDA_SUCCESS;
}

CUresult cuStreamCreateWithPriority(CUstream* stream, unsigned flags, int priority) {
  if (!contexts.empty()) {
    // All contexts that can be pushed are those of green contexts.
    return green_stream(stream, reinterpret_cast<CUgreenCtx>(contexts.back()), flags, priority);
  }
  return cudaStreamCreateWithPriority(stream, flags, priority) == cudaSuccess
             ? CUDA_SUCCESS
             : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDeviceGetDevResource(CUdevice, CUdevResource* resource, CUdevResourceType type) {
  if (type != CU_DEV_RESOURCE_TYPE_SM) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
  describe(resource, static_cast<unsigned>(Device::get().spec().units));
  return CUDA_SUCCESS;
}

CUresult cuDevSmResourceSplitByCount(CUdevResource* result, unsigned* groups,
                                     const CUdevResource* input, CUdevResource* remaining, unsigned,
                                     unsigned min_count) {
  if (groups == nullptr || input == nullptr || input->type != CU_DEV_RESOURCE_TYPE_SM) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const unsigned unit = granularity();
  const unsigned wanted = min_count < least_group() ? least_group() : min_count;
  const unsigned size = (wanted + unit - 1) / unit * unit;
  const unsigned possible = input->sm.smCount / size;
  if (result == nullptr) {
    *groups = possible;
    return CUDA_SUCCESS;
  }
  if (possible == 0 || *groups == 0) return CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION;
  const unsigned total = input->sm.smCount;
  *groups = possible < *groups ? possible : *groups;
  for (unsigned i = 0; i < *groups; ++i) describe(&result[i], size);
  if (remaining != nullptr) describe(remaining, total - *groups * size);
  return CUDA_SUCCESS;
}

CUresult cuDevResourceGenerateDesc(CUdevResourceDesc* description, CUdevResource* resources,
                                   unsigned count) {
  if (description == nullptr || resources == nullptr || count == 0) return CUDA_ERROR_INVALID_VALUE;
  unsigned units = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (resources[i].type != CU_DEV_RESOURCE_TYPE_SM) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
    units += resources[i].sm.smCount;
  }
  // The driver keeps descriptions, and so do we: there is no call that gives them back.
  static auto* kept = new std::vector<std::unique_ptr<CUdevResourceDesc_st>>;
  const Device::Lock lock(Device::get().mutex());
  kept->push_back(std::make_unique<CUdevResourceDesc_st>(CUdevResourceDesc_st{units}));
  *description = kept->back().get();
  return CUDA_SUCCESS;
}

CUresult cuGreenCtxCreate(CUgreenCtx* context, CUdevResourceDesc description, CUdevice,
                          unsigned flags) {
  if (context == nullptr || description == nullptr || flags != CU_GREEN_CTX_DEFAULT_STREAM) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *context = new CUgreenCtx_st{description->units};
  return CUDA_SUCCESS;
}

CUresult cuGreenCtxDestroy(CUgreenCtx context) {
  if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
  delete context;
  return CUDA_SUCCESS;
}

CUresult cuCtxFromGreenCtx(CUcontext* context, CUgreenCtx green) {
  if (context == nullptr || green == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *context = reinterpret_cast<CUcontext>(green);
  return CUDA_SUCCESS;
}
