// The CUDA backend: kernels on streams of one GPU, launched ahead of time by one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/backend.h"
#include "cuda/lane.h"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "cuda/step_runner.h"
#include "cuda/upload.h"

namespace nf::cuda {

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(const nf_engine_options& options);
  ~CudaBackend() override;

  const nf_device_info& info() const override { return info_; }
  ActivationTypes activation_types() const override { return {operand_, operand_}; }
  std::span<const Kernel> kernels() const override;

  std::byte* allocate(size_t bytes, const char* what) override;
  MirroredMemory allocate_mirrored(size_t bytes, const char* what) override;
  std::byte* allocate_results(size_t bytes, const char* what) override;
  void write(std::byte* target, const void* source, size_t bytes) override;
  void read(void* target, const std::byte* source, size_t bytes) override;

  DType packed_format(DType) const override { return DType::kPlain; }
  size_t matrix_bytes(uint32_t out, uint32_t in, DType format) const override;
  size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim) const override;
  void pack_matrix(const PackSpec& spec, const void* source, std::byte* packed) override;

  std::shared_ptr<Lane> open_lane(const LaneSpec& spec) override;
  uint32_t launch_rows(uint32_t decode_rows) const override;
  void cut_attention(const Batch& batch, uint32_t num_kv_heads, uint32_t* first_part,
                     uint32_t* first_tile) const override;
  std::unique_ptr<Signals> make_signals(uint32_t count) override;
  void prepare(Program& program) override;
  void run(StepState& step) override;
  std::string failure() const override { return runtime_.failure(); }

  // For tests.
  const StepRunner& runner() const { return *runner_; }

 private:
  void describe(const nf_engine_options& options);
  void finish_upload();

  Runtime runtime_;
  DType operand_;
  nf_device_info info_{};
  DeviceMemory memory_;
  std::unique_ptr<Upload> upload_;  // while weights are loaded
  std::vector<std::weak_ptr<CudaLane>> lanes_;
  std::unique_ptr<StepRunner> runner_;
};

}  // namespace nf::cuda
