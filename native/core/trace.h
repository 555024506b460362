// When every nano-op of the steps that ran came to its turn, began and ended: what a picture of a
// plan's real execution is drawn from.
//
// All memory is taken at the start; lanes take places in one array, so spans of a lane stand in the
// order in which they ran. What does not fit is counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "executor.h"

namespace nf {

class Trace final : public ExecutionObserver {
 public:
  explicit Trace(uint32_t max_spans) : spans_(max_spans) {}

  void arrive(const LaunchPoint& point) override;
  void before_launch(const LaunchPoint& point) override;
  void after_launch(const LaunchPoint& point) override;

  // Only while no step is in flight: moves the oldest spans to `out`, and returns how many.
  uint32_t read(std::span<nf_span> out);
  // Spans since the start that found no place.
  uint64_t dropped() const { return dropped_ + taken_.load() - recorded(); }

 private:
  // The span of the nano-op that a lane is at, or null where there is no room: written and read by
  // the thread that launches for the lane.
  struct alignas(64) Turn {
    nf_span* span = nullptr;
  };

  uint64_t recorded() const;

  std::vector<nf_span> spans_;
  std::atomic<uint64_t> taken_{0};  // places since the array was last empty; may exceed its size
  uint64_t read_ = 0;               // of them
  uint64_t dropped_ = 0;            // before the array was last empty
  Turn turns_[NF_MAX_LANES];
};

}  // namespace nf
