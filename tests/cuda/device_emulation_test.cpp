// The emulation of a device: what streams, events, graphs and faults mean to the host, and that a
// host that waits too little is seen.
#include <cuda.h>
#include <cuda_runtime.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../native/check.h"
#include "cuda/launch.h"
#include "emulation/device.h"

namespace {

#define REQUIRE_CUDA(call) REQUIRE((call) == cudaSuccess)

constexpr size_t kCount = 64;
constexpr size_t kBytes = kCount * sizeof(int);
constexpr uint64_t kSeeds = 40;

__global__ void add_to(int* values, int addend) { values[threadIdx.x] += addend; }
__global__ void copy_to(int* to, const int* from) { to[threadIdx.x] = from[threadIdx.x]; }
__global__ void big_shared() {
  NF_DYNAMIC_SHARED(char, bytes);
  bytes[threadIdx.x] = 1;
}

// Two streams, two arrays on the device, and pinned memory: all of a healthy device.
struct Fixture {
  explicit Fixture(uint64_t seed, unsigned flags = cudaStreamNonBlocking) {
    emulation::reset_device({}, seed);
    for (cudaStream_t& stream : streams) {
      REQUIRE_CUDA(cudaStreamCreateWithPriority(&stream, flags, 0));
    }
    for (cudaEvent_t& event : events) {
      REQUIRE_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    }
    REQUIRE_CUDA(cudaMalloc(&a, kBytes));
    REQUIRE_CUDA(cudaMalloc(&b, kBytes));
    REQUIRE_CUDA(cudaMallocHost(&pinned, kBytes));
    REQUIRE_CUDA(cudaMemset(a, 0, kBytes));
    REQUIRE_CUDA(cudaMemset(b, 0, kBytes));
  }
  ~Fixture() {
    emulation::reset_device();  // faults included
    cudaFree(a);
    cudaFree(b);
    cudaFreeHost(pinned);
    for (cudaStream_t stream : streams) cudaStreamDestroy(stream);
    for (cudaEvent_t event : events) cudaEventDestroy(event);
  }
  std::vector<int> read(const int* from) const {
    std::vector<int> values(kCount);
    REQUIRE_CUDA(cudaMemcpy(values.data(), from, kBytes, cudaMemcpyDeviceToHost));
    return values;
  }

  cudaStream_t streams[2] = {};
  cudaEvent_t events[2] = {};
  int *a = nullptr, *b = nullptr, *pinned = nullptr;
};

std::vector<int> all(int value) { return std::vector<int>(kCount, value); }

template <bool wait>
int right_after_handover() {
  int right = 0;
  for (uint64_t i = 0; i < kSeeds; ++i) {
    Fixture device(test::seed() + i);
    NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], device.a, 5);
    REQUIRE_CUDA(cudaEventRecord(device.events[0], device.streams[0]));
    // What is recorded later does not move what was waited for.
    if (wait) REQUIRE_CUDA(cudaStreamWaitEvent(device.streams[1], device.events[0]));
    NF_LAUNCH(copy_to, 1, kCount, 0, device.streams[1], device.b, device.a);
    NF_LAUNCH(add_to, 1, kCount, 0, device.streams[1], device.b, 1);
    REQUIRE_CUDA(cudaStreamSynchronize(device.streams[1]));
    right += device.read(device.b) == all(6);
  }
  return right;
}

TEST("streams are ordered by events, and without them by chance") {
  CHECK_EQ(right_after_handover<true>(), static_cast<int>(kSeeds));
  const int by_chance = right_after_handover<false>();
  CHECK(by_chance > 0 && by_chance < static_cast<int>(kSeeds));
}

TEST("an event names the work before its record, and is ready when that has run") {
  for (uint64_t i = 0; i < kSeeds; ++i) {
    Fixture device(test::seed() + i);
    CHECK(cudaEventQuery(device.events[0]) == cudaSuccess);  // never recorded
    NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], device.a, 5);
    REQUIRE_CUDA(cudaEventRecord(device.events[0], device.streams[0]));
    int asked = 0;
    while (cudaEventQuery(device.events[0]) == cudaErrorNotReady) ++asked;
    CHECK(asked < 100);
    CHECK(cudaGetLastError() == (asked == 0 ? cudaSuccess : cudaErrorNotReady));
    CHECK_EQ(device.a[7], 5);  // seen where it lies: nothing else has waited
    REQUIRE_CUDA(cudaEventSynchronize(device.events[0]));
  }
}

TEST("work runs when the host waits for it") {
  int early = 0;
  for (uint64_t i = 0; i < kSeeds; ++i) {
    Fixture device(test::seed() + i);
    NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], device.a, 5);
    early += device.a[0] == 5;
    REQUIRE_CUDA(cudaStreamSynchronize(device.streams[0]));
    CHECK_EQ(device.a[0], 5);
  }
  CHECK(early < static_cast<int>(kSeeds) / 2);
}

TEST("pinned memory is read when the copy runs, other memory when it is called") {
  int changed = 0;
  for (uint64_t i = 0; i < kSeeds; ++i) {
    Fixture device(test::seed() + i);
    std::vector<int> plain = all(3);
    for (size_t at = 0; at < kCount; ++at) device.pinned[at] = 3;
    REQUIRE_CUDA(cudaMemcpyAsync(device.a, device.pinned, kBytes, cudaMemcpyHostToDevice,
                                 device.streams[0]));
    REQUIRE_CUDA(
        cudaMemcpyAsync(device.b, plain.data(), kBytes, cudaMemcpyHostToDevice, device.streams[0]));
    for (size_t at = 0; at < kCount; ++at) device.pinned[at] = plain[at] = 4;
    REQUIRE_CUDA(cudaStreamSynchronize(device.streams[0]));
    changed += device.read(device.a) == all(4);
    CHECK(device.read(device.b) == all(3));
  }
  CHECK(changed > 0);
}

TEST("the stream 0 waits for streams, except for those that do not block") {
  int early = 0;
  for (uint64_t i = 0; i < kSeeds; ++i) {
    Fixture blocking(test::seed() + i, cudaStreamDefault);
    NF_LAUNCH(add_to, 1, kCount, 0, blocking.streams[0], blocking.a, 5);
    CHECK(blocking.read(blocking.a) == all(5));
    Fixture free(test::seed() + i);
    NF_LAUNCH(add_to, 1, kCount, 0, free.streams[0], free.a, 5);
    early += free.read(free.a) != all(5);
  }
  CHECK(early > 0);
}

TEST("copies check where they lead") {
  Fixture device(test::seed());
  int host[kCount];
  CHECK(cudaMemcpy(host, device.a, kBytes, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(device.a, device.b, kBytes, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(device.a, device.b, kBytes + 1, cudaMemcpyDeviceToDevice) ==
        cudaErrorInvalidValue);
  CHECK(cudaMemset(host, 0, kBytes) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(device.a, host, kBytes, cudaMemcpyDefault) == cudaSuccess);
}

TEST("memory of the device is counted, limited, and NaNs at first") {
  const size_t before = emulation::device_bytes_in_use();
  emulation::DeviceSpec spec;
  spec.memory = before + (1 << 20);
  emulation::reset_device(spec);
  float* first = nullptr;
  void* second = nullptr;
  REQUIRE_CUDA(cudaMalloc(&first, 600 << 10));
  CHECK(first[100] != first[100]);
  CHECK(cudaMalloc(&second, 600 << 10) == cudaErrorMemoryAllocation);
  CHECK(second == nullptr);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
  CHECK(cudaGetLastError() == cudaSuccess);
  size_t free_bytes = 0, total = 0;
  REQUIRE_CUDA(cudaMemGetInfo(&free_bytes, &total));
  CHECK_EQ(total, spec.memory);
  CHECK_EQ(free_bytes, total - before - (600 << 10));
  REQUIRE_CUDA(cudaFree(first));
  CHECK(cudaFree(first) == cudaErrorInvalidValue);
  CHECK_EQ(emulation::device_bytes_in_use(), before);
  emulation::fail_allocation(2);
  REQUIRE_CUDA(cudaMalloc(&first, 16));
  CHECK(cudaMalloc(&second, 16) == cudaErrorMemoryAllocation);
  REQUIRE_CUDA(cudaFree(first));
  emulation::reset_device();
}

// The origin forks to the second stream and joins it again, unless the test leaves that out.
cudaError_t capture(Fixture& device, bool join, cudaGraph_t* graph) {
  REQUIRE_CUDA(cudaStreamBeginCapture(device.streams[0], cudaStreamCaptureModeThreadLocal));
  NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], device.a, 5);
  REQUIRE_CUDA(cudaEventRecord(device.events[0], device.streams[0]));
  REQUIRE_CUDA(cudaStreamWaitEvent(device.streams[1], device.events[0]));
  cudaStreamCaptureStatus status;
  REQUIRE_CUDA(cudaStreamIsCapturing(device.streams[1], &status));
  CHECK(status == cudaStreamCaptureStatusActive);
  NF_LAUNCH(copy_to, 1, kCount, 0, device.streams[1], device.b, device.a);
  REQUIRE_CUDA(cudaEventRecord(device.events[1], device.streams[1]));
  if (join) REQUIRE_CUDA(cudaStreamWaitEvent(device.streams[0], device.events[1]));
  NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], join ? device.b : device.a, 1);
  return cudaStreamEndCapture(device.streams[0], graph);
}

TEST("a captured graph runs as often as it is launched, in any order its edges allow") {
  for (uint64_t i = 0; i < kSeeds; ++i) {
    Fixture device(test::seed() + i);
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    REQUIRE_CUDA(capture(device, true, &graph));
    CHECK(device.read(device.a) == all(0));
    REQUIRE_CUDA(cudaGraphInstantiate(&exec, graph, 0));
    REQUIRE_CUDA(cudaGraphDestroy(graph));
    for (int launch = 1; launch <= 3; ++launch) {
      REQUIRE_CUDA(cudaGraphLaunch(exec, device.streams[launch % 2]));
    }
    REQUIRE_CUDA(cudaDeviceSynchronize());
    CHECK(device.read(device.a) == all(15));
    CHECK(device.read(device.b) == all(16));
    REQUIRE_CUDA(cudaGraphExecDestroy(exec));
  }
}

TEST("captures that a runtime would refuse fail") {
  Fixture device(test::seed());
  cudaGraph_t graph = nullptr;
  CHECK(capture(device, false, &graph) == cudaErrorStreamCaptureUnjoined);
  CHECK(graph == nullptr);
  REQUIRE_CUDA(cudaEventRecord(device.events[0], device.streams[1]));
  REQUIRE_CUDA(cudaStreamBeginCapture(device.streams[0], cudaStreamCaptureModeGlobal));
  CHECK(cudaStreamWaitEvent(device.streams[0], device.events[0]) ==
        cudaErrorStreamCaptureIsolation);
  CHECK(cudaStreamEndCapture(device.streams[0], &graph) == cudaErrorStreamCaptureInvalidated);
  REQUIRE_CUDA(cudaStreamBeginCapture(device.streams[0], cudaStreamCaptureModeGlobal));
  void* memory = nullptr;
  CHECK(cudaMalloc(&memory, 16) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(device.streams[0], &graph) == cudaErrorStreamCaptureInvalidated);
  REQUIRE_CUDA(cudaMalloc(&memory, 16));
  REQUIRE_CUDA(cudaFree(memory));
}

TEST("a kernel that faults ruins the device") {
  Fixture device(test::seed());
  emulation::fail_launch(2);
  NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], device.a, 5);
  REQUIRE_CUDA(cudaStreamSynchronize(device.streams[0]));
  CHECK_EQ(device.a[0], 5);
  NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], device.a, 5);
  NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], device.a, 5);
  CHECK(cudaStreamSynchronize(device.streams[0]) == cudaErrorIllegalAddress);
  CHECK_EQ(device.a[0], 5);
  void* memory = nullptr;
  CHECK(cudaMalloc(&memory, 16) == cudaErrorIllegalAddress);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
  CHECK(std::string(cudaGetErrorName(cudaErrorIllegalAddress)) == "cudaErrorIllegalAddress");
  emulation::reset_device();
  CHECK(cudaGetLastError() == cudaSuccess);
  emulation::fail_synchronize(1);
  CHECK(cudaEventSynchronize(device.events[0]) == cudaErrorIllegalAddress);
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
}

TEST("host functions run in the order of their stream, whether or not the host calls") {
  Fixture device(test::seed());
  struct Seen {
    std::mutex mutex;
    std::condition_variable changed;
    const int* values;
    int seen = -1;
  } seen;
  seen.values = device.a;
  const cudaHostFn_t look = [](void* data) {
    Seen& own = *static_cast<Seen*>(data);
    const std::lock_guard<std::mutex> lock(own.mutex);
    own.seen = own.values[3];
    own.changed.notify_all();
  };
  NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], device.a, 5);
  REQUIRE_CUDA(cudaLaunchHostFunc(device.streams[0], look, &seen));
  NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], device.a, 5);
  {
    std::unique_lock<std::mutex> lock(seen.mutex);
    seen.changed.wait(lock, [&] { return seen.seen != -1; });
    CHECK_EQ(seen.seen, 5);
  }
  REQUIRE_CUDA(cudaLaunchHostFunc(device.streams[0], look, &seen));
  REQUIRE_CUDA(cudaStreamSynchronize(device.streams[0]));
  CHECK_EQ(seen.seen, 10);
}

TEST("threads of the host share the device") {
  Fixture device(test::seed());
  std::thread other([&] {
    for (int i = 0; i < 200; ++i) {
      NF_LAUNCH(add_to, 1, kCount, 0, device.streams[1], device.b, 1);
      if (i % 20 == 0) CHECK(cudaStreamSynchronize(device.streams[1]) == cudaSuccess);
    }
  });
  for (int i = 0; i < 200; ++i) {
    NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], device.a, 1);
    CHECK(cudaEventRecord(device.events[0], device.streams[0]) == cudaSuccess);
    if (i % 10 == 0) CHECK(cudaEventSynchronize(device.events[0]) == cudaSuccess);
  }
  other.join();
  REQUIRE_CUDA(cudaDeviceSynchronize());
  CHECK(device.read(device.a) == all(200));
  CHECK(device.read(device.b) == all(200));
}

TEST("time between events passes with the work") {
  Fixture device(test::seed());
  cudaEvent_t begin, end;
  REQUIRE_CUDA(cudaEventCreate(&begin));
  REQUIRE_CUDA(cudaEventCreate(&end));
  REQUIRE_CUDA(cudaEventRecord(begin, device.streams[0]));
  NF_LAUNCH(add_to, 1, kCount, 0, device.streams[0], device.a, 5);
  REQUIRE_CUDA(cudaEventRecord(end, device.streams[0]));
  REQUIRE_CUDA(cudaEventSynchronize(end));
  float milliseconds = 0;
  REQUIRE_CUDA(cudaEventElapsedTime(&milliseconds, begin, end));
  CHECK(milliseconds > 0.001f && milliseconds < 0.1f);
  CHECK(cudaEventElapsedTime(&milliseconds, begin, device.events[0]) ==
        cudaErrorInvalidResourceHandle);
  REQUIRE_CUDA(cudaEventDestroy(begin));
  REQUIRE_CUDA(cudaEventDestroy(end));
}

std::string refusal(dim3 grid, dim3 block, size_t shared_bytes) {
  try {
    NF_LAUNCH(big_shared, grid, block, shared_bytes, nullptr);
  } catch (const emulation::KernelError& error) {
    return error.what();
  }
  return "";
}

TEST("launches that a device would refuse are refused") {
  Fixture device(test::seed());
  CHECK(refusal(1, 1025, 64).find("1025 threads") != std::string::npos);
  CHECK(refusal(0, 32, 64) != "");
  CHECK(refusal(1, 32, 100000).find("cudaFuncSetAttribute") != std::string::npos);
  constexpr auto kAttribute = cudaFuncAttributeMaxDynamicSharedMemorySize;
  REQUIRE_CUDA(cudaFuncSetAttribute(big_shared, kAttribute, 100000));
  CHECK_EQ(refusal(1, 32, 100000), "");
  CHECK(cudaFuncSetAttribute(big_shared, kAttribute, (227 << 10) + 1) == cudaErrorInvalidValue);
  int blocks = 0;
  REQUIRE_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, big_shared, 256, 100000));
  CHECK_EQ(blocks, 2);
}

TEST("green contexts split the SMs in eights") {
  emulation::reset_device();
  const auto find = [](const char* name) {
    void* function = nullptr;
    REQUIRE_CUDA(cudaGetDriverEntryPoint(name, &function, cudaEnableDefault));
    return function;
  };
  const auto split =
      reinterpret_cast<decltype(&cuDevSmResourceSplitByCount)>(find("cuDevSmResourceSplitByCount"));
  REQUIRE(split != nullptr);
  CUdevResource whole, group, rest;
  REQUIRE(cuDeviceGetDevResource(0, &whole, CU_DEV_RESOURCE_TYPE_SM) == CUDA_SUCCESS);
  CHECK_EQ(whole.sm.smCount, 132u);
  unsigned groups = 1;
  REQUIRE(split(&group, &groups, &whole, &rest, 0, 50) == CUDA_SUCCESS);
  CHECK_EQ(groups, 1u);
  CHECK_EQ(group.sm.smCount, 56u);
  CHECK_EQ(rest.sm.smCount, 76u);
  CUdevResourceDesc description;
  CUgreenCtx context;
  REQUIRE(cuDevResourceGenerateDesc(&description, &group, 1) == CUDA_SUCCESS);
  REQUIRE(cuGreenCtxCreate(&context, description, 0, CU_GREEN_CTX_DEFAULT_STREAM) == CUDA_SUCCESS);
  using StreamCreate = CUresult (*)(CUstream*, CUgreenCtx, unsigned, int);
  const auto create = reinterpret_cast<StreamCreate>(find("cuGreenCtxStreamCreate"));
  REQUIRE(create != nullptr);
  cudaStream_t stream;
  REQUIRE(create(&stream, context, CU_STREAM_NON_BLOCKING, 0) == CUDA_SUCCESS);
  CHECK_EQ(emulation::units_of(stream), 56);
  REQUIRE_CUDA(cudaStreamDestroy(stream));
  // The way of drivers that do not have that function.
  CUcontext current;
  REQUIRE(cuCtxFromGreenCtx(&current, context) == CUDA_SUCCESS);
  REQUIRE(cuCtxPushCurrent(current) == CUDA_SUCCESS);
  REQUIRE(cuStreamCreateWithPriority(&stream, CU_STREAM_NON_BLOCKING, 0) == CUDA_SUCCESS);
  REQUIRE(cuCtxPopCurrent(nullptr) == CUDA_SUCCESS);
  CHECK_EQ(emulation::units_of(stream), 56);
  REQUIRE_CUDA(cudaStreamDestroy(stream));
  REQUIRE(cuGreenCtxDestroy(context) == CUDA_SUCCESS);
  emulation::DeviceSpec old;
  old.driver_version = 12040;
  emulation::reset_device(old);
  CHECK(find("cuGreenCtxStreamCreate") == nullptr);
  emulation::reset_device();
}

}  // namespace
