#include "trace.h"

#include <algorithm>

namespace nf {

void Trace::arrive(const LaunchPoint& point) {
  const uint64_t place = taken_.fetch_add(1, std::memory_order_relaxed);
  nf_span* span = place < spans_.size() ? &spans_[place] : nullptr;
  turns_[point.lane_index].span = span;
  if (span == nullptr) return;
  span->tick = point.tick;
  span->nano_op = static_cast<uint16_t>(point.nano_op);
  span->lane = static_cast<uint16_t>(point.lane_index);
  point.lane.stamp(&span->arrived_ns);
}

void Trace::before_launch(const LaunchPoint& point) {
  if (nf_span* span = turns_[point.lane_index].span) point.lane.stamp(&span->begin_ns);
}

void Trace::after_launch(const LaunchPoint& point) {
  if (nf_span* span = turns_[point.lane_index].span) point.lane.stamp(&span->end_ns);
}

uint64_t Trace::recorded() const { return std::min<uint64_t>(taken_.load(), spans_.size()); }

uint32_t Trace::read(std::span<nf_span> out) {
  const auto count = static_cast<uint32_t>(std::min<uint64_t>(out.size(), recorded() - read_));
  std::copy_n(spans_.begin() + static_cast<ptrdiff_t>(read_), count, out.begin());
  read_ += count;
  if (read_ == recorded()) {
    dropped_ = dropped();
    taken_.store(0);
    read_ = 0;
  }
  return count;
}

}  // namespace nf
