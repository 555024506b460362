#include "emulation/queue.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "emulation/block.h"

namespace emulation {
namespace {

constexpr size_t kLongQueue = 512;

bool is_host_function(const GraphNode& node) { return node.work->kind == Work::kHostFunction; }

void begin(GraphRun& run) {
  const std::vector<GraphNode>& nodes = run.graph->nodes;
  run.begun = true;
  run.graph->running = true;
  run.left = nodes.size();
  for (uint32_t i = 0; i < nodes.size(); ++i) {
    run.missing.push_back(static_cast<uint32_t>(nodes[i].after.size()));
    if (nodes[i].after.empty()) run.ready.push_back(i);
  }
}

}  // namespace

Device& Device::get() {
  // Never destroyed: a thread that runs host functions may outlive main.
  static Device* device = new Device;
  return *device;
}

thread_local cudaError_t last_error = cudaSuccess;

cudaError_t Device::note(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}

cudaError_t Device::fault() {
  const Lock lock(mutex_);
  return fault_;
}

void Device::reset(const DeviceSpec& spec, uint64_t seed) {
  Lock lock(mutex_);
  drain_all(lock, false);
  for (const cudaStream_t stream : streams_) stream->capture = nullptr;
  captures_.clear();
  spec_ = spec;
  random_ = Random(seed);
  fault_ = cudaSuccess;
  last_error = cudaSuccess;
  launches_to_fault = waits_to_fault = allocations_to_fail = 0;
}

cudaError_t Device::fail_if_due(uint32_t& countdown, cudaError_t error) {
  if (countdown == 0 || --countdown != 0) return cudaSuccess;
  if (error == cudaErrorIllegalAddress) fault_ = error;
  return error;
}

bool Device::can_run(const CUstream_st& stream, bool host_functions) const {
  if (stream.busy || stream.queue.empty()) return false;
  const Operation& head = stream.queue.front();
  if (head.wait != nullptr) return head.wait->done;
  if (head.work != nullptr) return host_functions || head.work->kind != Work::kHostFunction;
  if (head.graph == nullptr) return true;
  const GraphRun& run = *head.graph;
  if (!run.begun) return !run.graph->running;
  return run.left == 0 || host_functions ||
         std::any_of(run.ready.begin(), run.ready.end(),
                     [&](uint32_t node) { return !is_host_function(run.graph->nodes[node]); });
}

// Runs one piece of work; false when none may run.
bool Device::step(Lock& lock, bool host_functions) {
  cudaStream_t chosen = nullptr;
  uint32_t candidates = 0;
  for (const cudaStream_t stream : streams_) {
    if (can_run(*stream, host_functions) && random_.below(++candidates) == 0) chosen = stream;
  }
  if (chosen == nullptr) return false;
  ++steps_;
  run_head(lock, chosen, host_functions);
  return true;
}

void Device::run_head(Lock& lock, cudaStream_t stream, bool host_functions) {
  if (stream->queue.front().graph != nullptr) {
    run_node(lock, stream, host_functions);
    return;
  }
  const Operation operation = std::move(stream->queue.front());
  stream->queue.pop_front();
  if (operation.record != nullptr) {
    operation.record->done = true;
    operation.record->time = clock_;
  } else if (operation.work != nullptr) {
    perform(lock, stream, *operation.work);
  }
}

void Device::run_node(Lock& lock, cudaStream_t stream, bool host_functions) {
  const std::shared_ptr<GraphRun> run = stream->queue.front().graph;
  const std::vector<GraphNode>& nodes = run->graph->nodes;
  if (!run->begun) begin(*run);
  if (!run->ready.empty()) {
    std::vector<size_t> allowed;
    for (size_t i = 0; i < run->ready.size(); ++i) {
      if (host_functions || !is_host_function(nodes[run->ready[i]])) allowed.push_back(i);
    }
    if (allowed.empty()) return;
    const size_t place = allowed[random_.below(static_cast<uint32_t>(allowed.size()))];
    const uint32_t chosen = run->ready[place];
    run->ready.erase(run->ready.begin() + static_cast<std::ptrdiff_t>(place));
    --run->left;
    for (uint32_t i = 0; i < nodes.size(); ++i) {
      const std::vector<uint32_t>& after = nodes[i].after;
      if (std::find(after.begin(), after.end(), chosen) != after.end() && --run->missing[i] == 0) {
        run->ready.push_back(i);
      }
    }
    perform(lock, stream, *nodes[chosen].work);
  }
  if (run->left == 0) {
    run->graph->running = false;
    stream->queue.pop_front();
  }
}

void Device::perform(Lock& lock, cudaStream_t stream, const Work& work) {
  clock_ += work.microseconds;
  if (work.kind == Work::kHostFunction) --host_functions_;
  if (fault_ != cudaSuccess) return;  // a device that has faulted does nothing more
  if (work.kind == Work::kKernel) {
    ++kernels;
    if (fail_if_due(launches_to_fault, cudaErrorIllegalAddress) != cudaSuccess) return;
  }
  if (work.kind == Work::kHostFunction) {
    // It may wait for what another thread does with the device.
    if (stream != nullptr) stream->busy = true;
    lock.unlock();
    work.run();
    lock.lock();
    if (stream != nullptr) stream->busy = false;
    changed_.notify_all();
    return;
  }
  try {
    work.run();
  } catch (const KernelError&) {
    if (stream != nullptr) fault_ = cudaErrorLaunchFailure;
    throw;
  }
}

void Device::run_until(Lock& lock, const std::function<bool()>& condition) {
  while (!condition()) {
    if (step(lock, true)) continue;
    const bool busy = std::any_of(streams_.begin(), streams_.end(),
                                  [](const CUstream_st* stream) { return stream->busy; });
    if (!busy) throw KernelError("streams wait for each other for ever");
    changed_.wait(lock);
  }
}

void Device::run_some(Lock& lock) {
  for (uint32_t steps = 1 + random_.below(3); steps > 0; --steps) step(lock, true);
}

void Device::drain(Lock& lock, cudaStream_t stream) {
  run_until(lock, [stream] { return stream->queue.empty() && !stream->busy; });
}

void Device::drain_all(Lock& lock, bool only_waiting_for_default) {
  run_until(lock, [&] {
    return std::all_of(streams_.begin(), streams_.end(), [&](const CUstream_st* stream) {
      return (only_waiting_for_default && !stream->waits_for_default) ||
             (stream->queue.empty() && !stream->busy);
    });
  });
}

cudaError_t Device::add(Lock& lock, cudaStream_t stream, std::shared_ptr<const Work> work) {
  if (stream != nullptr && stream->capture != nullptr) {
    Capture& capture = *stream->capture;
    if (capture.invalidated) return cudaErrorStreamCaptureInvalidated;
    capture.nodes.push_back({std::move(work), stream->frontier});
    stream->frontier = {static_cast<uint32_t>(capture.nodes.size() - 1)};
    return cudaSuccess;
  }
  if (work->kind == Work::kHostFunction) note_host_function();
  if (stream == nullptr) {
    if (forbidden_by_capture()) return cudaErrorStreamCaptureImplicit;
    drain_all(lock, true);
    perform(lock, nullptr, *work);
    return cudaSuccess;
  }
  Operation operation;
  operation.work = std::move(work);
  push(lock, stream, std::move(operation));
  return cudaSuccess;
}

void Device::push(Lock& lock, cudaStream_t stream, Operation operation) {
  stream->queue.push_back(std::move(operation));
  // Host functions wait for a call that may block, which this one's caller does not expect.
  if (random_.below(8) == 0) step(lock, false);
  while (stream->queue.size() > kLongQueue && step(lock, false)) {
  }
}

bool Device::forbidden_by_capture() {
  bool forbidden = false;
  for (const std::shared_ptr<Capture>& capture : captures_) {
    const bool other_thread = capture->thread != std::this_thread::get_id();
    if (capture->mode == cudaStreamCaptureModeRelaxed) continue;
    if (capture->mode == cudaStreamCaptureModeThreadLocal && other_thread) continue;
    capture->invalidated = true;
    forbidden = true;
  }
  return forbidden;
}

void Device::note_host_function() {
  ++host_functions_;
  if (!watched_) {
    watched_ = true;
    std::thread([this] { run_unwatched(); }).detach();
  }
  changed_.notify_all();
}

// A device gets on by itself. Here that matters only when the host waits for a host function
// without calling the runtime, so this thread steps in when nothing else has for a while.
void Device::run_unwatched() {
  Lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return host_functions_ != 0; });
    const uint64_t seen = steps_;
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    lock.lock();
    if (steps_ != seen) continue;
    try {
      while (host_functions_ != 0 && step(lock, true)) {
      }
    } catch (const KernelError& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    // What is left waits for something that has yet to be noted, or runs in another thread.
    if (host_functions_ != 0) changed_.wait_for(lock, std::chrono::milliseconds(2));
  }
}

void reset_device(const DeviceSpec& spec, uint64_t seed) { Device::get().reset(spec, seed); }

void fail_launch(uint32_t nth) {
  const Device::Lock lock(Device::get().mutex());
  Device::get().launches_to_fault = nth;
}

void fail_synchronize(uint32_t nth) {
  const Device::Lock lock(Device::get().mutex());
  Device::get().waits_to_fault = nth;
}

void fail_allocation(uint32_t nth) {
  const Device::Lock lock(Device::get().mutex());
  Device::get().allocations_to_fail = nth;
}

uint64_t kernels_run() {
  const Device::Lock lock(Device::get().mutex());
  return Device::get().kernels;
}

int units_of(cudaStream_t stream) {
  const Device::Lock lock(Device::get().mutex());
  return stream != nullptr && stream->units != 0 ? stream->units : Device::get().spec().units;
}

}  // namespace emulation

cudaError_t cudaGetLastError() {
  const cudaError_t fault = emulation::Device::get().fault();
  const cudaError_t last = std::exchange(emulation::last_error, cudaSuccess);
  return fault != cudaSuccess ? fault : last;
}

cudaError_t cudaPeekAtLastError() {
  const cudaError_t fault = emulation::Device::get().fault();
  return fault != cudaSuccess ? fault : emulation::last_error;
}
