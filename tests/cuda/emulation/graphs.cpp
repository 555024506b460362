// Stream capture and graphs of the runtime's interface, with the rules by which a capture fails.
#include <algorithm>
#include <utility>

#include "emulation/queue.h"

namespace {

using emulation::Capture;
using emulation::Device;
using emulation::GraphNode;

void join(std::vector<uint32_t>& frontier, const std::vector<uint32_t>& nodes) {
  for (const uint32_t node : nodes) {
    if (std::find(frontier.begin(), frontier.end(), node) == frontier.end()) {
      frontier.push_back(node);
    }
  }
}

// Does every node come before the end of the stream that the capture began with?
bool joined(const Capture& capture) {
  std::vector<bool> reached(capture.nodes.size());
  std::vector<uint32_t> open = capture.origin->frontier;
  while (!open.empty()) {
    const uint32_t node = open.back();
    open.pop_back();
    if (reached[node]) continue;
    reached[node] = true;
    const std::vector<uint32_t>& after = capture.nodes[node].after;
    open.insert(open.end(), after.begin(), after.end());
  }
  return std::all_of(reached.begin(), reached.end(), [](bool node) { return node; });
}

void end(Capture& capture) {
  capture.active = false;
  for (const cudaStream_t stream : capture.streams) {
    stream->capture = nullptr;
    stream->frontier.clear();
  }
  std::erase_if(Device::get().captures(),
                [&](const auto& other) { return other.get() == &capture; });
}

}  // namespace

struct CUgraph_st {
  std::vector<GraphNode> nodes;
};

struct CUgraphExec_st {
  std::shared_ptr<emulation::Graph> graph;
};

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return Device::get().call([&](Device::Lock& lock) {
    Device& device = Device::get();
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    if (event->capture != nullptr) {
      const std::shared_ptr<Capture> capture = event->capture;
      if (!capture->active) return cudaErrorCapturedEvent;
      if (stream == nullptr) return cudaErrorStreamCaptureImplicit;
      if (stream->capture == nullptr) {
        stream->capture = capture;
        stream->frontier.clear();
        capture->streams.push_back(stream);
      } else if (stream->capture != capture) {
        stream->capture->invalidated = capture->invalidated = true;
        return cudaErrorStreamCaptureMerge;
      }
      join(stream->frontier, event->frontier);
      return cudaSuccess;
    }
    if (stream != nullptr && stream->capture != nullptr) {
      if (event->recording == nullptr) return cudaSuccess;
      stream->capture->invalidated = true;
      return cudaErrorStreamCaptureIsolation;
    }
    if (event->recording == nullptr) return cudaSuccess;
    if (stream == nullptr) {
      const std::shared_ptr<emulation::Recording> recording = event->recording;
      device.run_until(lock, [&] { return recording->done; });
      return cudaSuccess;
    }
    emulation::Operation operation;
    operation.wait = event->recording;
    device.push(lock, stream, std::move(operation));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return Device::get().call([&](Device::Lock&) {
    if (stream == nullptr) return cudaErrorStreamCaptureUnsupported;
    if (stream->capture != nullptr) return cudaErrorStreamCaptureInvalidated;
    auto capture = std::make_shared<Capture>();
    capture->mode = mode;
    capture->thread = std::this_thread::get_id();
    capture->origin = stream;
    capture->streams.push_back(stream);
    stream->capture = capture;
    stream->frontier.clear();
    Device::get().captures().push_back(std::move(capture));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return Device::get().call([&](Device::Lock&) {
    if (graph == nullptr) return cudaErrorInvalidValue;
    *graph = nullptr;
    if (stream == nullptr || stream->capture == nullptr) return cudaErrorInvalidValue;
    const std::shared_ptr<Capture> capture = stream->capture;
    if (capture->mode != cudaStreamCaptureModeRelaxed &&
        capture->thread != std::this_thread::get_id()) {
      return cudaErrorStreamCaptureWrongThread;
    }
    if (capture->origin != stream) {
      capture->invalidated = true;
      return cudaErrorStreamCaptureUnmatched;
    }
    const bool complete = joined(*capture);
    end(*capture);
    if (capture->invalidated) return cudaErrorStreamCaptureInvalidated;
    if (!complete) return cudaErrorStreamCaptureUnjoined;
    *graph = new CUgraph_st{std::move(capture->nodes)};
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return Device::get().call([&](Device::Lock&) {
    const bool capturing = stream != nullptr && stream->capture != nullptr;
    *status = !capturing                     ? cudaStreamCaptureStatusNone
              : stream->capture->invalidated ? cudaStreamCaptureStatusInvalidated
                                             : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  return Device::get().call([&](Device::Lock&) {
    if (exec == nullptr || graph == nullptr) return cudaErrorInvalidValue;
    auto copy = std::make_shared<emulation::Graph>();
    copy->nodes = graph->nodes;
    *exec = new CUgraphExec_st{std::move(copy)};
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  return Device::get().call([&](Device::Lock& lock) {
    if (exec == nullptr) return cudaErrorInvalidValue;
    if (stream == nullptr || stream->capture != nullptr) return cudaErrorNotSupported;
    for (const GraphNode& node : exec->graph->nodes) {
      if (node.work->kind == emulation::Work::kHostFunction) Device::get().note_host_function();
    }
    emulation::Operation operation;
    operation.graph = std::make_shared<emulation::GraphRun>();
    operation.graph->graph = exec->graph;
    Device::get().push(lock, stream, std::move(operation));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t) {
  return Device::get().call(
      [&](Device::Lock&) { return exec == nullptr ? cudaErrorInvalidValue : cudaSuccess; });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const Device::Lock lock(Device::get().mutex());
  if (graph == nullptr) return Device::note(cudaErrorInvalidValue);
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  const Device::Lock lock(Device::get().mutex());
  if (exec == nullptr) return Device::note(cudaErrorInvalidValue);
  delete exec;  // launches that are under way keep the graph
  return cudaSuccess;
}
