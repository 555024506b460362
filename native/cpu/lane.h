// A lane of the CPU backend: a leader, which walks the program, and workers that share its kernels.
//
// Work is claimed dynamically from one atomic word, so that a worker that lost its core to a
// neighbour holds up one task and not the whole kernel. Idle workers spin a few microseconds, then
// sleep.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "core/backend.h"
#include "platform/step_thread.h"

namespace nf::cpu {

// So many; 0: what affinity and the cgroup quota allow. Throws NF_INVALID_ARGUMENT for more than a
// lane can have.
uint32_t choose_threads(uint32_t num_threads);

class CpuLane final : public Lane {
 public:
  explicit CpuLane(const LaneSpec& spec);
  ~CpuLane() override;

  uint32_t units() const override { return width_; }
  void limit(uint32_t units) override;
  void parallel_for(uint32_t count, TaskFn task, void* context) override;
  std::byte* scratch(uint32_t worker) override;

  const LaneSpec& spec() const { return spec_; }
  void post(StepState& step, uint32_t lane) { leader_->post(step, lane); }

 private:
  void start();
  void stop();
  void work(uint32_t worker);
  bool run_task(uint32_t worker);
  void pin(uint32_t worker) const;

  LaneSpec spec_;
  uint32_t size_;   // leader and workers
  uint32_t width_;  // of them in use
  std::vector<std::unique_ptr<std::byte[]>> scratch_;

  // The kernel that is running: written by the leader before claims_, read by whoever claimed a
  // task.
  TaskFn task_ = nullptr;
  void* context_ = nullptr;
  // Width, number of tasks and next unclaimed task in one word, so that a claim is one exchange.
  alignas(64) std::atomic<uint64_t> claims_{0};
  alignas(64) std::atomic<uint32_t> completed_{0};
  alignas(64) std::atomic<uint32_t> wake_{0};  // grows with every parallel_for
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
  std::unique_ptr<StepThread> leader_;  // last: stops first
};

}  // namespace nf::cpu
