#include "cuda/driver.h"

namespace nf::cuda {

namespace {

// What a driver has that is younger than the toolkit this was compiled with: the driver itself is
// asked.
void* younger_function([[maybe_unused]] const char* name, [[maybe_unused]] unsigned version) {
#if CUDART_VERSION >= 12050
  return nullptr;
#else
  using GetProcAddressFn =
      CUresult (*)(const char*, void**, int, cuuint64_t, CUdriverProcAddressQueryResult*);
  void* ask = nullptr;
  cudaDriverEntryPointQueryResult result{};
  if (cudaGetDriverEntryPoint("cuGetProcAddress", &ask, cudaEnableDefault, &result) !=
          cudaSuccess ||
      result != cudaDriverEntryPointSuccess) {
    cudaGetLastError();
    return nullptr;
  }
  void* found = nullptr;
  CUdriverProcAddressQueryResult state{};
  const CUresult asked = reinterpret_cast<GetProcAddressFn>(ask)(
      name, &found, static_cast<int>(version), CU_GET_PROC_ADDRESS_DEFAULT, &state);
  return asked == CUDA_SUCCESS ? found : nullptr;
#endif
}

// `version`: the first driver version whose form of the function is meant.
template <typename Fn>
void look_up(Fn& function, const char* name, [[maybe_unused]] unsigned version) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result{};
#if CUDART_VERSION >= 12050
  const cudaError_t error =
      cudaGetDriverEntryPointByVersion(name, &found, version, cudaEnableDefault, &result);
#else
  // Finds only what was there when this toolkit was made.
  const cudaError_t error = cudaGetDriverEntryPoint(name, &found, cudaEnableDefault, &result);
#endif
  if (error != cudaSuccess) cudaGetLastError();
  const bool known = error == cudaSuccess && result == cudaDriverEntryPointSuccess;
  if (!known) found = younger_function(name, version);
  function = reinterpret_cast<Fn>(found);
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
