// Waits between lanes as events. One thread launches for all lanes, so a signal is always recorded
// before somebody waits for it.
//
// An event is recorded anew in every layer, and a wait means the record of its own tick: each
// signal has a ring of events. Work is cut into epochs (the pieces of a step between points where
// all lanes meet): what was recorded in an earlier one has happened, and may have been part of a
// capture, which must not be waited for outside of it.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <vector>

#include "core/backend.h"

namespace nf::cuda {

// Grows at every point where all lanes meet.
struct Epoch {
  uint64_t number = 1;
};

class EventSignals final : public Signals {
 public:
  EventSignals(uint32_t count, const Epoch& epoch) : epoch_(epoch), rings_(count) {}
  ~EventSignals() override;

  void signal(Lane& lane, uint32_t index, uint64_t value) override;
  void wait(Lane& lane, uint32_t index, uint64_t value) override;

 private:
  // A lane waits at most kRunAheadTicks back.
  static constexpr size_t kRing = 4;
  struct Entry {
    cudaEvent_t event = nullptr;  // made when it is signalled first
    uint64_t value = 0;
    uint64_t epoch = 0;
  };

  const Epoch& epoch_;
  std::vector<std::array<Entry, kRing>> rings_;
};

}  // namespace nf::cuda
