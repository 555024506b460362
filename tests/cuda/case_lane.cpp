#include "case_lane.h"

#include "cuda/errors.h"
#include "cuda/lane.h"
#include "cuda/runtime.h"

namespace test {
namespace {

nf::cuda::Runtime& runtime() {
  static nf::cuda::Runtime runtime({});
  return runtime;
}

class CudaCaseLane final : public CaseLane {
 public:
  CudaCaseLane(uint32_t units, size_t scratch_bytes)
      : guard_(scratch_bytes), lane_(runtime(), {partition(units), 0, scratch_bytes + kGuard}) {
    nf::cuda::check(cudaMemset(lane_.scratch(0), 0xff, scratch_bytes + kGuard), "cudaMemset");
  }

  nf::Lane& lane() override { return lane_; }
  void finish() override { lane_.drain(); }
  bool scratch_intact() const override {
    std::byte guard[kGuard];
    nf::cuda::check(cudaMemcpy(guard, lane_.scratch(0) + guard_, kGuard, cudaMemcpyDeviceToHost),
                    "cudaMemcpy");
    return std::all_of(guard, guard + kGuard, [](std::byte b) { return b == std::byte{0xff}; });
  }

 private:
  static nf_partition partition(uint32_t units) {
    nf_partition shared{};
    shared.num_units = uint16_t(units);
    return shared;
  }

  static constexpr size_t kGuard = 256;
  size_t guard_;  // where it begins
  mutable nf::cuda::CudaLane lane_;
};

}  // namespace

std::unique_ptr<CaseLane> open_cuda_lane(uint32_t units, size_t scratch_bytes) {
  return std::make_unique<CudaCaseLane>(units, scratch_bytes);
}

}  // namespace test
