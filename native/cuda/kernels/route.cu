// Routing: which experts a row goes to, by the rules of core/routing.h.
//
// A warp is a row: it finds the best expert that is left, slot after slot.
#include <cmath>

#include "core/routing.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.h"
#include "cuda/lane.h"
#include "cuda/launch.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kThreads = 128;
constexpr uint32_t kBlockRows = kThreads / kWarpSize;
constexpr uint32_t kLaneExperts = NF_MAX_EXPERTS / kWarpSize;
static_assert(NF_MAX_EXPERTS_PER_TOKEN <= kWarpSize, "a lane for each slot");

// Larger the better an expert ranks; never 0.
__device__ inline uint64_t expert_key(float logit, uint32_t expert) {
  const float rank = logit == logit ? logit + 0.0f : -INFINITY;  // -0 equals 0
  const uint32_t bits = __float_as_uint(rank);
  const uint32_t ordered = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return uint64_t{ordered} << 32 | uint32_t(~expert);
}

// The experts of the row's slots in ascending order: that of slot s in lane s.
__device__ uint32_t choose(const float* logits, uint32_t num_experts, uint32_t slots) {
  const uint32_t own = lane_index();
  uint32_t taken = 0;  // bit i: expert i * 32 + own
  uint32_t ranked = 0;
  for (uint32_t slot = 0; slot < slots; ++slot) {
    uint64_t best = 0;
    for (uint32_t i = 0; i < kLaneExperts && i * kWarpSize + own < num_experts; ++i) {
      const uint32_t expert = i * kWarpSize + own;
      const uint64_t key = expert_key(logits[expert], expert);
      if ((taken >> i & 1) == 0 && key > best) best = key;
    }
    const auto chosen = ~uint32_t(reduce_warp<Largest>(best));
    if (chosen % kWarpSize == own) taken |= 1u << (chosen / kWarpSize);
    if (slot == own) ranked = chosen;
  }
  uint32_t place = 0;
  for (uint32_t slot = 0; slot < slots; ++slot) {
    place += uint32_t{__shfl_sync(kAllLanes, ranked, int(slot)) < ranked};
  }
  uint32_t expert = 0;
  for (uint32_t slot = 0; slot < slots; ++slot) {
    const uint32_t at = __shfl_sync(kAllLanes, place, int(slot));
    const uint32_t other = __shfl_sync(kAllLanes, ranked, int(slot));
    if (at == own) expert = other;
  }
  return expert;
}

__global__ void __launch_bounds__(kThreads) route_rows(RouteArgs args) {
  const uint32_t own = lane_index();
  for (uint32_t row = args.rows.begin + blockIdx.x * kBlockRows + warp_index(); row < args.rows.end;
       row += gridDim.x * kBlockRows) {
    const float* logits = args.logits + size_t{row} * args.num_experts;
    const uint32_t expert = choose(logits, args.num_experts, args.slots);
    float largest = -INFINITY;
    for (uint32_t i = own; i < args.num_experts; i += kWarpSize) {
      largest = fmaxf(largest, logits[i]);
    }
    for (uint32_t distance = kWarpSize / 2; distance > 0; distance /= 2) {
      largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, int(distance)));
    }
    float sum = 0;
    for (uint32_t i = own; i < args.num_experts; i += kWarpSize) {
      sum += expf(logits[i] - largest);
    }
    sum = reduce_warp<Sum>(sum);
    const bool has_slot = own < args.slots;
    float weight = has_slot ? expf(logits[expert] - largest) / sum : 0.0f;
    const float chosen = reduce_warp<Sum>(weight);
    if (args.normalize) weight /= chosen;
    uint32_t* routing = args.routing + size_t{row} * 2 * args.slots;
    if (has_slot) {
      routing[own] = expert;
      routing[args.slots + own] = __float_as_uint(weight);
    }
  }
}

}  // namespace

bool route_supports(const OpShape& shape) {
  return shape.slots > 0 && shape.slots <= NF_MAX_EXPERTS_PER_TOKEN &&
         shape.num_experts <= NF_MAX_EXPERTS;
}

size_t route_workspace(const OpShape&) { return 0; }

template <DType operand>
void route(const OpArgs& op, Lane& lane) {
  const RouteArgs& args = op.route;
  if (args.rows.empty()) return;
  const CudaLane& cuda = cuda_lane(lane);
  const uint32_t blocks = (args.rows.size() + kBlockRows - 1) / kBlockRows;
  NF_LAUNCH(route_rows, cuda.grid(blocks, 8), kThreads, 0, cuda.stream(), args);
}

template void route<DType::kBF16>(const OpArgs&, Lane&);
template void route<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
