#include "trace.h"

#include <algorithm>

namespace nf {

void Trace::arrive(uint32_t lane, uint32_t, uint32_t) {
  turns_[lane].arrived_ns = static_cast<uint64_t>(now_ns());
}

void Trace::before_launch(uint32_t lane, uint32_t, uint32_t) {
  turns_[lane].begin_ns = static_cast<uint64_t>(now_ns());
}

void Trace::after_launch(uint32_t lane, uint32_t nano_op, uint32_t tick) {
  const auto end_ns = static_cast<uint64_t>(now_ns());
  const uint64_t place = taken_.fetch_add(1, std::memory_order_relaxed);
  if (place >= spans_.size()) return;
  const Turn& turn = turns_[lane];
  spans_[place] = {turn.arrived_ns,
                   turn.begin_ns,
                   end_ns,
                   tick,
                   static_cast<uint16_t>(nano_op),
                   static_cast<uint16_t>(lane)};
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
