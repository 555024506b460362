#include "cuda/signals.h"

#include "core/lower.h"
#include "cuda/errors.h"
#include "cuda/lane.h"

namespace nf::cuda {

EventSignals::~EventSignals() {
  for (const auto& ring : rings_) {
    for (const Entry& entry : ring) {
      if (entry.event) cudaEventDestroy(entry.event);
    }
  }
}

void EventSignals::signal(Lane& lane, uint32_t index, uint64_t value) {
  static_assert(kRunAheadTicks < kRing);
  Entry& entry = rings_[index][value % kRing];
  if (entry.event == nullptr) {
    check(cudaEventCreateWithFlags(&entry.event, cudaEventDisableTiming), "cudaEventCreate");
  }
  check(cudaEventRecord(entry.event, cuda_lane(lane).stream()), "cudaEventRecord");
  entry.value = value;
  entry.epoch = epoch_.number;
}

void EventSignals::wait(Lane& lane, uint32_t index, uint64_t value) {
  const Entry& entry = rings_[index][value % kRing];
  if (entry.epoch != epoch_.number) return;
  NF_ASSERT(entry.value == value);
  check(cudaStreamWaitEvent(cuda_lane(lane).stream(), entry.event, 0), "cudaStreamWaitEvent");
}

}  // namespace nf::cuda
