#include "cuda/driver.h"

namespace nf::cuda {

namespace {

// `version`: the first driver version whose form of the function is meant.
template <typename Fn>
void look_up(Fn& function, const char* name, [[maybe_unused]] unsigned version) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result{};
#if CUDART_VERSION >= 12050
  const cudaError_t error =
      cudaGetDriverEntryPointByVersion(name, &found, version, cudaEnableDefault, &result);
#else
  const cudaError_t error = cudaGetDriverEntryPoint(name, &found, cudaEnableDefault, &result);
#endif
  if (error != cudaSuccess) cudaGetLastError();
  const bool known = error == cudaSuccess && result == cudaDriverEntryPointSuccess;
  function = known ? reinterpret_cast<Fn>(found) : nullptr;
}

Driver load() {
  Driver driver;
  look_up(driver.encode_tensor_map, "cuTensorMapEncodeTiled", 12000);
  look_up(driver.device_get, "cuDeviceGet", 2000);
  look_up(driver.device_resource, "cuDeviceGetDevResource", 12040);
  look_up(driver.split_sms, "cuDevSmResourceSplitByCount", 12040);
  look_up(driver.describe_resource, "cuDevResourceGenerateDesc", 12040);
  look_up(driver.green_context_create, "cuGreenCtxCreate", 12040);
  look_up(driver.green_context_destroy, "cuGreenCtxDestroy", 12040);
  look_up(driver.green_stream_create, "cuGreenCtxStreamCreate", 12050);
  return driver;
}

}  // namespace

const Driver& driver() {
  static const Driver loaded = load();
  return loaded;
}

}  // namespace nf::cuda
