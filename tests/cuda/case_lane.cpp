#include "case_lane.h"

#include "cuda/lane.h"

namespace nf::cuda {

// What stands in for the driver: launches run at once, so a lane needs no stream.
class Runtime {
 public:
  std::byte* scratch = nullptr;
};

CudaLane::CudaLane(Runtime& runtime, const LaneSpec& spec)
    : runtime_(runtime),
      spec_(spec),
      units_(spec.partition.num_units),
      width_(units_),
      scratch_(runtime_.scratch) {}

CudaLane::~CudaLane() = default;

void CudaLane::stamp(int64_t* ns) { *ns = 0; }

}  // namespace nf::cuda

namespace test {
namespace {

class CudaCaseLane final : public CaseLane {
 public:
  CudaCaseLane(uint32_t units, size_t scratch_bytes)
      : scratch_(scratch_bytes + kGuard),
        runtime_{scratch_.data()},
        lane_(runtime_, {partition(units), 0, scratch_bytes}) {
    std::memset(scratch_.data(), 0xff, scratch_.size());
  }

  nf::Lane& lane() override { return lane_; }
  bool scratch_intact() const override {
    const std::byte* end = scratch_.data() + scratch_.size();
    return std::all_of(end - kGuard, end, [](std::byte b) { return b == std::byte{0xff}; });
  }

 private:
  static nf_partition partition(uint32_t units) {
    nf_partition all{};
    all.num_units = uint16_t(units);
    return all;
  }

  static constexpr size_t kGuard = 256;
  AlignedBytes scratch_;
  nf::cuda::Runtime runtime_;
  nf::cuda::CudaLane lane_;
};

}  // namespace

std::unique_ptr<CaseLane> open_cuda_lane(uint32_t units, size_t scratch_bytes) {
  return std::make_unique<CudaCaseLane>(units, scratch_bytes);
}

}  // namespace test
