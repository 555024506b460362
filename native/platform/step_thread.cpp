#include "platform/step_thread.h"

#include "core/check.h"
#include "platform/os.h"

namespace nf {

StepThread::~StepThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void StepThread::post(StepState& step, uint32_t lane) {
  {
    const std::lock_guard lock(mutex_);
    NF_ASSERT(count_ < NF_MAX_SLOTS);
    queue_[(begin_ + count_) % NF_MAX_SLOTS] = {&step, lane};
    ++count_;
  }
  changed_.notify_one();
}

bool StepThread::take(Posted& posted) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return count_ > 0 || stopping_; });
  if (count_ == 0) return false;
  posted = queue_[begin_];
  begin_ = (begin_ + 1) % NF_MAX_SLOTS;
  --count_;
  return true;
}

void StepThread::run_body(void*, StepState& step, uint32_t lane) {
  step.body(step, lane);
  finish_lane(step, now_ns());
}

void StepThread::loop() {
  name_thread("nf-lane");
  Posted posted;
  while (take(posted)) run_(context_, *posted.step, posted.lane);
}

}  // namespace nf
