// Adds the weighted outputs of a row's experts to the residual stream, slot by slot.
//
// A thread computes a chunk of a row; nothing is shared. Bytes of an element: 4 X + 4 in, 4 out.
#include "cuda/kernels/chunk.h"
#include "cuda/kernels/kernels.h"
#include "cuda/lane.h"
#include "cuda/launch.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kThreads = 256;

template <uint32_t wide>
__global__ void __launch_bounds__(kThreads) combine_rows(CombineExpertsArgs args) {
  const uint32_t slots = args.routing.slots;
  const uint32_t chunks = args.hidden / wide;  // of a row
  const uint64_t count = uint64_t{chunks} * args.rows.size();
  const uint64_t first = uint64_t{blockIdx.x} * kThreads + threadIdx.x;
  for (uint64_t i = first; i < count; i += uint64_t{gridDim.x} * kThreads) {
    const auto row = uint32_t(args.rows.begin + i / chunks);
    const auto column = uint32_t(i % chunks) * wide;
    float sum[wide];
    load_chunk(args.x + size_t{row} * args.hidden + column, sum);
    for (uint32_t slot = 0; slot < slots; ++slot) {
      const float weight = args.routing.weight(row, slot);
      float output[wide];
      load_chunk(args.outputs + (size_t{row} * slots + slot) * args.hidden + column, output);
      for (uint32_t k = 0; k < wide; ++k) sum[k] += weight * output[k];
    }
    store_chunk(args.out + size_t{row} * args.hidden + column, sum);
  }
}

}  // namespace

bool combine_experts_supports(const OpShape&) { return true; }

size_t combine_experts_workspace(const OpShape&) { return 0; }

template <DType operand>
void combine_experts(const OpArgs& op, Lane& lane) {
  const CombineExpertsArgs& args = op.combine_experts;
  if (args.rows.empty()) return;
  const CudaLane& cuda = cuda_lane(lane);
  const bool is_wide = args.hidden % kWide == 0;
  const auto kernel = is_wide ? combine_rows<kWide> : combine_rows<1>;
  const uint64_t count = uint64_t{args.hidden / (is_wide ? kWide : 1)} * args.rows.size();
  const auto blocks = uint32_t((count + kThreads - 1) / kThreads);
  NF_LAUNCH(kernel, cuda.grid(blocks, 8), kThreads, 0, cuda.stream(), args);
}

template void combine_experts<DType::kBF16>(const OpArgs&, Lane&);
template void combine_experts<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
