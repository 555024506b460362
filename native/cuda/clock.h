// Times at which streams come to points of their work, on the steady clock of the host.
//
// A stamp is an event whose time is known once it has completed: resolve() writes what is. The
// clock is anchored to the end of the last step, so that it loses no precision, and to the host's
// clock again after a pause.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace nf::cuda {

class DeviceClock {
 public:
  // The stream is only used to anchor the clock.
  explicit DeviceClock(cudaStream_t stream);
  ~DeviceClock();
  DeviceClock(const DeviceClock&) = delete;
  DeviceClock& operator=(const DeviceClock&) = delete;

  // Any thread. *ns is written by a later resolve(), after the stream has come here.
  void stamp(cudaStream_t stream, uint64_t* ns);
  // Writes the stamps that have completed, in the order in which they were made.
  void resolve();

  // The time of a completed event.
  uint64_t time_of(cudaEvent_t event);
  // From now on times are measured from this completed event, which must stay as it is until the
  // next call.
  void anchor(cudaEvent_t event);

 private:
  struct Pending {
    cudaEvent_t event;
    uint64_t* ns;
  };

  uint64_t time_of_locked(cudaEvent_t event) const;

  std::mutex mutex_;
  cudaEvent_t first_ = nullptr;
  cudaEvent_t anchor_ = nullptr;
  uint64_t anchor_ns_ = 0;
  std::deque<Pending> pending_;
  std::vector<cudaEvent_t> free_;
};

}  // namespace nf::cuda
