// Streams of the emulated device, the work they have noted, and the one that runs it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "emulation/device.h"
#include "emulation/random.h"

namespace emulation {

// Something that a stream does, and that a graph may do again.
struct Work {
  enum Kind { kKernel, kTransfer, kHostFunction };
  Kind kind;
  double microseconds;
  std::function<void()> run;
};

// One cudaEventRecord.
struct Recording {
  bool done = false;
  double time = 0;  // in microseconds
};

struct GraphNode {
  std::shared_ptr<const Work> work;
  std::vector<uint32_t> after;
};

struct Capture {
  cudaStreamCaptureMode mode;
  std::thread::id thread;
  cudaStream_t origin;
  std::vector<cudaStream_t> streams;
  std::vector<GraphNode> nodes;
  bool active = true;
  bool invalidated = false;
};

struct Graph {
  std::vector<GraphNode> nodes;
  bool running = false;  // launches of one executable graph follow each other
};

struct GraphRun {
  std::shared_ptr<Graph> graph;
  bool begun = false;
  std::vector<uint32_t> missing;  // of each node: nodes before it that have yet to run
  std::vector<uint32_t> ready;
  size_t left = 0;
};

struct Operation {  // one of these
  std::shared_ptr<const Work> work;
  std::shared_ptr<Recording> record;
  std::shared_ptr<Recording> wait;
  std::shared_ptr<GraphRun> graph;
};

}  // namespace emulation

struct CUstream_st {
  std::deque<emulation::Operation> queue;
  bool waits_for_default = true;
  bool busy = false;  // a host function of it runs
  int units = 0;      // of its green context; 0: none
  std::shared_ptr<emulation::Capture> capture;
  std::vector<uint32_t> frontier;  // nodes of the capture that the next one follows
};

struct CUevent_st {
  bool timed = true;
  std::shared_ptr<emulation::Recording> recording;
  std::shared_ptr<emulation::Capture> capture;  // when last recorded in one
  std::vector<uint32_t> frontier;
};

namespace emulation {

class Device {
 public:
  using Lock = std::unique_lock<std::mutex>;

  static Device& get();

  // Runs one call of the runtime's interface: f(lock) returns its status. Whatever the call, a
  // device that has faulted only says so.
  template <typename F>
  cudaError_t call(F f) {
    Lock lock(mutex_);
    cudaError_t status = fault_;
    if (status == cudaSuccess) status = f(lock);
    if (fault_ != cudaSuccess) status = fault_;
    return note(status);
  }
  static cudaError_t note(cudaError_t status);  // what cudaGetLastError will say
  cudaError_t fault();

  // With the lock held:
  cudaError_t add(Lock& lock, cudaStream_t stream, std::shared_ptr<const Work> work);
  void push(Lock& lock, cudaStream_t stream, Operation operation);
  void run_until(Lock& lock, const std::function<bool()>& condition);
  void run_some(Lock& lock);  // what the device gets done while the host asks
  void drain(Lock& lock, cudaStream_t stream);
  void drain_all(Lock& lock, bool only_waiting_for_default);
  void note_host_function();  // one more that is to run
  // Calls that must not happen while anything is captured; invalidates what is.
  bool forbidden_by_capture();
  cudaError_t fail_if_due(uint32_t& countdown, cudaError_t error);

  std::vector<cudaStream_t>& streams() { return streams_; }
  std::vector<std::shared_ptr<Capture>>& captures() { return captures_; }
  DeviceSpec& spec() { return spec_; }
  std::mutex& mutex() { return mutex_; }
  double now() const { return clock_; }  // in microseconds

  void reset(const DeviceSpec& spec, uint64_t seed);

  uint32_t launches_to_fault = 0, waits_to_fault = 0, allocations_to_fail = 0;  // 0: none
  uint64_t kernels = 0;

 private:
  bool step(Lock& lock, bool host_functions);
  bool can_run(const CUstream_st& stream, bool host_functions) const;
  void run_head(Lock& lock, cudaStream_t stream, bool host_functions);
  void run_node(Lock& lock, cudaStream_t stream, bool host_functions);
  void perform(Lock& lock, cudaStream_t stream, const Work& work);
  void run_unwatched();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<cudaStream_t> streams_;
  std::vector<std::shared_ptr<Capture>> captures_;
  DeviceSpec spec_;
  Random random_;
  cudaError_t fault_ = cudaSuccess;
  double clock_ = 0;
  uint64_t steps_ = 0;
  uint64_t host_functions_ = 0;  // noted and not yet run
  bool watched_ = false;         // run_unwatched has its thread
};

}  // namespace emulation
