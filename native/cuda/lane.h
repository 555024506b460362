// A lane of a CUDA device: a stream, on all SMs (soft split: grids are bounded to its units) or on
// its own ones (hard split: a green context), and the memory that its kernels work in.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <memory>

#include "core/backend.h"
#include "cuda/partition.h"

namespace nf::cuda {

class Runtime;

class CudaLane final : public Lane {
 public:
  CudaLane(Runtime& runtime, const LaneSpec& spec);
  ~CudaLane() override;
  CudaLane(const CudaLane&) = delete;
  CudaLane& operator=(const CudaLane&) = delete;

  Runtime& runtime() const { return runtime_; }
  const LaneSpec& spec() const { return spec_; }
  cudaStream_t stream() const { return stream_; }

  // SMs that the next kernels may use.
  uint32_t units() const override { return width_; }
  void limit(uint32_t units) override {
    const uint32_t all = spec_.partition.num_units;
    width_ = units == 0 ? all : std::min(units, all);
  }
  // Blocks of a grid that would like to have `wanted`, with `blocks_per_unit` of them on an SM: its
  // kernel loops over the rest.
  uint32_t grid(uint32_t wanted, uint32_t blocks_per_unit) const {
    return std::max(1u, std::min(wanted, width_ * blocks_per_unit));
  }

  // Device memory of the lane; there is one worker.
  std::byte* scratch(uint32_t) override { return static_cast<std::byte*>(scratch_); }
  void stamp(uint64_t* ns) override;
  bool runs_ahead() const override { return true; }
  void drain() override;

 private:
  void open_stream();

  Runtime& runtime_;
  LaneSpec spec_;
  uint32_t width_;
  std::unique_ptr<GreenPartition> partition_;  // of a hard split
  cudaStream_t stream_ = nullptr;
  void* scratch_ = nullptr;
};

inline CudaLane& cuda_lane(Lane& lane) { return static_cast<CudaLane&>(lane); }

}  // namespace nf::cuda
