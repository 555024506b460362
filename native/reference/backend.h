// The reference backend: plain fp32 loops on one thread, in issue order. The oracle of all others.
#pragma once

#include <memory>

#include "core/backend.h"
#include "platform/memory.h"
#include "platform/step_thread.h"

namespace nf::reference {

class ReferenceBackend final : public Backend {
 public:
  ReferenceBackend();

  const nf_device_info& info() const override { return info_; }
  ActivationTypes activation_types() const override { return {DType::kF32}; }
  std::span<const Kernel> kernels() const override;
  std::byte* allocate(size_t bytes, const char* what) override;
  DType packed_format(DType stored) const override;
  size_t matrix_bytes(uint32_t out, uint32_t in, DType format) const override;
  size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim) const override;
  void pack_matrix(const PackSpec& spec, const void* source, std::byte* packed) override;
  std::shared_ptr<Lane> open_lane(const LaneSpec& spec) override;
  void run(StepState& step) override;

 private:
  // Every lane of a plan is this one: its thread takes the nano-ops in issue order, which is a
  // legal execution of any plan.
  class SerialLane final : public Lane {
   public:
    uint32_t units() const override { return 1; }
    void limit(uint32_t) override {}
    void parallel_for(uint32_t count, TaskFn task, void* context) override {
      for (uint32_t index = 0; index < count; ++index) task(context, index, 0);
    }
    std::byte* scratch(uint32_t) override { return scratch_; }
    std::byte* scratch_ = nullptr;
    size_t scratch_bytes_ = 0;
  };

  nf_device_info info_{};
  MemoryBlocks memory_;
  std::shared_ptr<SerialLane> lane_ = std::make_shared<SerialLane>();
  std::unique_ptr<StepThread> thread_;
};

}  // namespace nf::reference
