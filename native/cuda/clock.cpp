#include "cuda/clock.h"

#include <cmath>

#include "core/executor.h"
#include "cuda/errors.h"

namespace nf::cuda {

namespace {

constexpr uint64_t kPauseNs = 1'000'000'000;

}  // namespace

DeviceClock::DeviceClock(cudaStream_t stream) {
  check(cudaEventCreate(&first_), "cudaEventCreate");
  check(cudaEventRecord(first_, stream), "cudaEventRecord");
  check(cudaEventSynchronize(first_), "cudaEventSynchronize");
  anchor_ = first_;
  anchor_ns_ = static_cast<uint64_t>(now_ns());
}

DeviceClock::~DeviceClock() {
  for (const Pending& pending : pending_) cudaEventDestroy(pending.event);
  for (cudaEvent_t event : free_) cudaEventDestroy(event);
  cudaEventDestroy(first_);
}

void DeviceClock::stamp(cudaStream_t stream, uint64_t* ns) {
  const std::lock_guard lock(mutex_);
  cudaEvent_t event = nullptr;
  if (free_.empty()) {
    check(cudaEventCreate(&event), "cudaEventCreate");
  } else {
    event = free_.back();
    free_.pop_back();
  }
  pending_.push_back({event, ns});
  check(cudaEventRecord(event, stream), "cudaEventRecord");
}

void DeviceClock::resolve() {
  const std::lock_guard lock(mutex_);
  while (!pending_.empty()) {
    const Pending pending = pending_.front();
    const cudaError_t error = cudaEventQuery(pending.event);
    if (error == cudaErrorNotReady) {
      cudaGetLastError();
      return;
    }
    check(error, "cudaEventQuery");
    *pending.ns = time_of_locked(pending.event);
    pending_.pop_front();
    free_.push_back(pending.event);
  }
}

uint64_t DeviceClock::time_of_locked(cudaEvent_t event) const {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, anchor_, event), "cudaEventElapsedTime");
  return anchor_ns_ + static_cast<uint64_t>(std::llround(double{milliseconds} * 1e6));
}

uint64_t DeviceClock::time_of(cudaEvent_t event) {
  const std::lock_guard lock(mutex_);
  return time_of_locked(event);
}

void DeviceClock::anchor(cudaEvent_t event) {
  const std::lock_guard lock(mutex_);
  const uint64_t ns = time_of_locked(event);
  // After a pause the host's clock is the better one: that of the device has drifted by then.
  anchor_ns_ = ns - anchor_ns_ > kPauseNs ? static_cast<uint64_t>(now_ns()) : ns;
  anchor_ = event;
}

}  // namespace nf::cuda
