// Launches, streams and events of the runtime's interface.
#include <algorithm>
#include <map>
#include <utility>

#include "emulation/block.h"
#include "emulation/launch.h"
#include "emulation/queue.h"

namespace emulation {
namespace {

// Kernels that asked for more dynamic shared memory than every kernel gets.
std::map<const void*, int>& granted_shared() {
  static auto* granted = new std::map<const void*, int>;
  return *granted;
}

void check(const KernelCall& call) {
  const std::string name = "kernel " + std::string(call.name);
  const size_t threads = size_t{call.block.x} * call.block.y * call.block.z;
  if (threads == 0 || threads > kMaxThreads || call.block.z > 64) {
    throw KernelError(name + " with a block of " + std::to_string(threads) + " threads");
  }
  const dim3& grid = call.grid;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 ||
      grid.z > 65535) {
    throw KernelError(name + " with a grid that is empty or too large");
  }
  if (call.shared_bytes <= kDefaultDynamicShared) return;
  const auto found = granted_shared().find(call.entry);
  const size_t granted = found == granted_shared().end() ? 0 : static_cast<size_t>(found->second);
  if (call.shared_bytes > granted) {
    throw KernelError(name + " with " + std::to_string(call.shared_bytes) +
                      " bytes of dynamic shared memory, more than 48 KiB and than what "
                      "cudaFuncSetAttribute asked for");
  }
}

cudaError_t create(cudaStream_t* stream, unsigned flags, int units) {
  if (stream == nullptr || flags > cudaStreamNonBlocking) return cudaErrorInvalidValue;
  auto created = std::make_unique<CUstream_st>();
  created->waits_for_default = (flags & cudaStreamNonBlocking) == 0;
  created->units = units;
  Device::get().streams().push_back(created.get());
  *stream = created.release();
  return cudaSuccess;
}

bool exists(cudaStream_t stream) {
  const std::vector<cudaStream_t>& all = Device::get().streams();
  return stream == nullptr || std::find(all.begin(), all.end(), stream) != all.end();
}

}  // namespace

void submit(cudaStream_t stream, std::shared_ptr<const KernelCall> call) {
  Device::get().call([&](Device::Lock& lock) {
    if (!exists(stream)) return cudaErrorInvalidResourceHandle;
    check(*call);
    const double blocks = static_cast<double>(call->grid.x) * call->grid.y * call->grid.z;
    const double microseconds = 2 + blocks / 100;
    return Device::get().add(
        lock, stream,
        std::make_shared<Work>(
            Work{Work::kKernel, microseconds, [call = std::move(call)] { run_kernel(*call); }}));
  });
}

cudaStream_t create_green_stream(int units) {
  const Device::Lock lock(Device::get().mutex());
  cudaStream_t stream = nullptr;
  create(&stream, cudaStreamNonBlocking, units);
  return stream;
}

}  // namespace emulation

using emulation::Device;
using emulation::Recording;

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return Device::get().call([&](Device::Lock&) {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || static_cast<size_t>(value) > emulation::kMaxDynamicShared) {
      return cudaErrorInvalidValue;
    }
    emulation::granted_shared()[kernel] = value;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return Device::get().call([&](Device::Lock&) { return emulation::create(stream, flags, 0); });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (stream == nullptr) return Device::note(cudaErrorInvalidResourceHandle);
  // Also on a device that has faulted: the stream goes, whatever the answer.
  Device& device = Device::get();
  Device::Lock lock(device.mutex());
  if (!emulation::exists(stream)) return Device::note(cudaErrorInvalidResourceHandle);
  device.drain(lock, stream);
  if (stream->capture != nullptr) {
    stream->capture->invalidated = true;
    std::erase(stream->capture->streams, stream);
  }
  std::erase(device.streams(), stream);
  delete stream;
  lock.unlock();
  return Device::note(device.fault());
}

cudaError_t cudaDeviceSynchronize() {
  return Device::get().call([&](Device::Lock& lock) {
    Device& device = Device::get();
    if (device.forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
    device.drain_all(lock, false);
    return device.fail_if_due(device.waits_to_fault, cudaErrorIllegalAddress);
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return Device::get().call([&](Device::Lock& lock) {
    Device& device = Device::get();
    if (!emulation::exists(stream)) return cudaErrorInvalidResourceHandle;
    if (device.forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
    if (stream == nullptr) {
      device.drain_all(lock, true);
    } else {
      device.drain(lock, stream);
    }
    return device.fail_if_due(device.waits_to_fault, cudaErrorIllegalAddress);
  });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return Device::get().call([&](Device::Lock& lock) {
    Device& device = Device::get();
    if (!emulation::exists(stream)) return cudaErrorInvalidResourceHandle;
    if (device.forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
    device.run_some(lock);
    return stream == nullptr || (stream->queue.empty() && !stream->busy) ? cudaSuccess
                                                                         : cudaErrorNotReady;
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  return Device::get().call([&](Device::Lock& lock) {
    if (!emulation::exists(stream)) return cudaErrorInvalidResourceHandle;
    if (function == nullptr) return cudaErrorInvalidValue;
    return Device::get().add(lock, stream,
                             std::make_shared<emulation::Work>(emulation::Work{
                                 emulation::Work::kHostFunction, 5, [=] { function(data); }}));
  });
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return Device::get().call([&](Device::Lock&) {
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return Device::get().call([&](Device::Lock&) {
    if (event == nullptr) return cudaErrorInvalidValue;
    *event = new CUevent_st;
    (*event)->timed = (flags & cudaEventDisableTiming) == 0;
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  if (event == nullptr) return Device::note(cudaErrorInvalidResourceHandle);
  {
    const Device::Lock lock(Device::get().mutex());
    delete event;  // those who wait for what it recorded keep the recording
  }
  return Device::note(Device::get().fault());
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return Device::get().call([&](Device::Lock& lock) {
    Device& device = Device::get();
    if (event == nullptr || !emulation::exists(stream)) return cudaErrorInvalidResourceHandle;
    if (stream != nullptr && stream->capture != nullptr) {
      if (stream->capture->invalidated) return cudaErrorStreamCaptureInvalidated;
      event->capture = stream->capture;
      event->frontier = stream->frontier;
      event->recording = nullptr;
      return cudaSuccess;
    }
    event->capture = nullptr;
    event->recording = std::make_shared<Recording>();
    if (stream == nullptr) {
      if (device.forbidden_by_capture()) return cudaErrorStreamCaptureImplicit;
      device.drain_all(lock, true);
      event->recording->done = true;
      event->recording->time = device.now();
      return cudaSuccess;
    }
    emulation::Operation operation;
    operation.record = event->recording;
    device.push(lock, stream, std::move(operation));
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return Device::get().call([&](Device::Lock& lock) {
    Device& device = Device::get();
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    if (event->capture != nullptr) return cudaErrorCapturedEvent;
    if (device.forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
    const std::shared_ptr<Recording> recording = event->recording;
    if (recording != nullptr) device.run_until(lock, [&] { return recording->done; });
    return device.fail_if_due(device.waits_to_fault, cudaErrorIllegalAddress);
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return Device::get().call([&](Device::Lock& lock) {
    Device& device = Device::get();
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    if (event->capture != nullptr) return cudaErrorCapturedEvent;
    if (device.forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
    const std::shared_ptr<Recording> recording = event->recording;
    device.run_some(lock);
    return recording == nullptr || recording->done ? cudaSuccess : cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  return Device::get().call([&](Device::Lock&) {
    if (begin == nullptr || end == nullptr || !begin->timed || !end->timed ||
        begin->recording == nullptr || end->recording == nullptr) {
      return cudaErrorInvalidResourceHandle;
    }
    if (!begin->recording->done || !end->recording->done) return cudaErrorNotReady;
    *milliseconds = static_cast<float>((end->recording->time - begin->recording->time) / 1000);
    return cudaSuccess;
  });
}
