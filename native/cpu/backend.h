// The CPU backend: packed bf16 kernels on lanes of worker threads. The default everywhere.
#pragma once

#include <memory>
#include <vector>

#include "core/backend.h"
#include "cpu/isa.h"
#include "cpu/lane.h"
#include "cpu/pack.h"
#include "platform/memory.h"

namespace nf::cpu {

class CpuBackend final : public Backend {
 public:
  CpuBackend(uint32_t num_threads, IsaChoice isa);

  const nf_device_info& info() const override { return info_; }
  ActivationTypes activation_types() const override {
    return {DType::kBF16, DType::kF32, kPanelColumns};
  }
  std::span<const Kernel> kernels() const override;
  std::byte* allocate(size_t bytes, const char* what) override;
  DType packed_format(DType stored) const override;
  size_t matrix_bytes(uint32_t out, uint32_t in, DType format) const override;
  size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim) const override;
  void pack_matrix(const PackSpec& spec, const void* source, std::byte* packed) override;
  std::shared_ptr<Lane> open_lane(const LaneSpec& spec) override;
  void run(StepState& step) override;

 private:
  IsaChoice isa_;
  nf_device_info info_{};
  MemoryBlocks memory_;
  std::vector<std::weak_ptr<CpuLane>> lanes_;
};

}  // namespace nf::cpu
