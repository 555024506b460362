// A lane of a CUDA device: a stream, on all SMs (soft split: grids are bounded to its units) or on
// its own ones (hard split: a green context), and the memory that its kernels work in.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>

#include "core/backend.h"

namespace nf::cuda {

class Runtime;

class CudaLane final : public Lane {
 public:
  // `scratch`: device memory of spec.scratch_bytes, owned by the caller.
  CudaLane(Runtime& runtime, const LaneSpec& spec);
  ~CudaLane() override;

  const LaneSpec& spec() const { return spec_; }
  cudaStream_t stream() const { return stream_; }

  // SMs that the next kernels may use.
  uint32_t units() const override { return width_; }
  void limit(uint32_t units) override {
    width_ = units == 0 ? spec_.partition.num_units : std::min<uint32_t>(units, units_);
  }
  // Blocks of a grid that would like to have `wanted`, with `blocks_per_unit` of them on an SM: its
  // kernel loops over the rest.
  uint32_t grid(uint32_t wanted, uint32_t blocks_per_unit) const {
    return std::max(1u, std::min(wanted, width_ * blocks_per_unit));
  }

  // Device memory of the lane; there is one worker.
  std::byte* scratch(uint32_t) override { return scratch_; }
  void stamp(uint64_t* ns) override;
  bool runs_ahead() const override { return true; }
  void drain() override;

 private:
  Runtime& runtime_;
  LaneSpec spec_;
  uint32_t units_;
  uint32_t width_;
  cudaStream_t stream_ = nullptr;
  std::byte* scratch_ = nullptr;
};

inline CudaLane& cuda_lane(Lane& lane) { return static_cast<CudaLane&>(lane); }

}  // namespace nf::cuda
