#include "cuda/partition.h"

#include <string>

#include "core/check.h"
#include "cuda/driver.h"

namespace nf::cuda {

namespace {

void check_driver_call(CUresult result, const char* what) {
  NF_CHECK(result == CUDA_SUCCESS, NF_UNSUPPORTED,
           std::string("CUDA: hard split: ") + what + " failed with code " +
               std::to_string(static_cast<int>(result)));
}

struct Split {
  CUdevResource taken;
  CUdevResource rest;
};

// The same request on the same resource always yields the same SMs, so that partitions which are
// made one by one do not overlap.
Split take(const CUdevResource& from, uint32_t count) {
  Split split{};
  unsigned groups = 1;
  check_driver_call(driver().split_sms(&split.taken, &groups, &from, &split.rest, 0, count),
                    "cuDevSmResourceSplitByCount");
  NF_CHECK(groups == 1 && split.taken.sm.smCount == count, NF_INVALID_PLAN,
           "a disjoint partition of " + std::to_string(count) + " units; this device splits into " +
               std::to_string(split.taken.sm.smCount) + " there");
  return split;
}

CUdevResource resource_of(CUdevice device, uint32_t first_unit, uint32_t num_units) {
  CUdevResource all{};
  check_driver_call(driver().device_resource(device, &all, CU_DEV_RESOURCE_TYPE_SM),
                    "cuDeviceGetDevResource");
  const uint32_t units = all.sm.smCount;
  NF_CHECK(uint64_t{first_unit} + num_units <= units, NF_INVALID_PLAN,
           "a disjoint partition ends at unit " + std::to_string(first_unit + num_units) +
               "; the device has " + std::to_string(units));
  const CUdevResource behind = first_unit == 0 ? all : take(all, first_unit).rest;
  return behind.sm.smCount == num_units ? behind : take(behind, num_units).taken;
}

}  // namespace

GreenPartition::GreenPartition(int device, uint32_t first_unit, uint32_t num_units) {
  NF_CHECK(driver().has_green_contexts(), NF_UNSUPPORTED,
           "CUDA: the driver has no green contexts with streams of their own (12.5 or newer)");
  CUdevice handle = 0;
  check_driver_call(driver().device_get(&handle, device), "cuDeviceGet");
  CUdevResource resource = resource_of(handle, first_unit, num_units);
  CUdevResourceDesc description = nullptr;
  check_driver_call(driver().describe_resource(&description, &resource, 1),
                    "cuDevResourceGenerateDesc");
  check_driver_call(
      driver().green_context_create(&context_, description, handle, CU_GREEN_CTX_DEFAULT_STREAM),
      "cuGreenCtxCreate");
}

GreenPartition::~GreenPartition() {
  if (context_ != nullptr) driver().green_context_destroy(context_);
}

bool hard_split_works(int device, uint32_t num_units) {
  if (!driver().has_green_contexts()) return false;
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  bool works = cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess;
  try {
    const GreenPartition partition(device, 0, num_units);
    stream = partition.create_stream();
    works = works && cudaEventRecord(event, stream) == cudaSuccess &&
            cudaStreamWaitEvent(stream, event, 0) == cudaSuccess &&
            cudaStreamSynchronize(stream) == cudaSuccess;
    cudaStreamDestroy(stream);
  } catch (const Error&) {
    works = false;
  }
  cudaEventDestroy(event);
  cudaGetLastError();
  return works;
}

cudaStream_t GreenPartition::create_stream() const {
  CUstream stream = nullptr;
  check_driver_call(driver().green_stream_create(&stream, context_, CU_STREAM_NON_BLOCKING, 0),
                    "cuGreenCtxStreamCreate");
  return stream;
}

}  // namespace nf::cuda
