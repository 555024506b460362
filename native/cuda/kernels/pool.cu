// Pooling of hidden states: the norm of a sequence's rows, summed in order in its slot.
//
// A block is a sequence. Its warps find the scales of a group of rows, then every thread adds its
// columns of these rows: x is read twice, the second time from cache.
#include "core/pooling.h"
#include "cuda/kernels/chunk.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.h"
#include "cuda/lane.h"
#include "cuda/launch.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kThreads = 512;
constexpr uint32_t kGroupRows = kThreads / kWarpSize;

// What turns a row into its norm, but for the weight. Called by a warp.
template <uint32_t wide>
__device__ float row_scale(const PoolArgs& args, const float* x) {
  float sum = 0;
  for (uint32_t i = lane_index() * wide; i < args.hidden; i += kWarpSize * wide) {
    float chunk[wide];
    load_chunk(x + i, chunk);
    for (const float value : chunk) sum += value * value;
  }
  sum = reduce_warp<Sum>(sum);
  return 1.0f / sqrtf(sum / float(args.hidden) + args.epsilon);
}

// Adds rows [begin, begin + count) to `sum`; the first replaces what is there unless `adds`.
template <uint32_t wide>
__device__ void add_rows(const PoolArgs& args, uint32_t begin, uint32_t count, const float* scales,
                         bool adds, float* sum) {
  for (uint32_t i = threadIdx.x * wide; i < args.hidden; i += kThreads * wide) {
    float weight[wide];
    float total[wide] = {};
    load_chunk(args.weight + i, weight);
    if (adds) load_chunk(sum + i, total);
    for (uint32_t row = 0; row < count; ++row) {
      float x[wide];
      load_chunk(args.x + size_t{begin + row} * args.hidden + i, x);
      for (uint32_t k = 0; k < wide; ++k) {
        const float value = x[k] * scales[row] * weight[k];
        total[k] = adds || row > 0 ? total[k] + value : value;
      }
    }
    store_chunk(sum + i, total);
  }
}

template <uint32_t wide>
__global__ void __launch_bounds__(kThreads) pool_sequences(PoolArgs args, Batch batch) {
  __shared__ float scales[kGroupRows];
  for (uint32_t index = args.rows.begin + blockIdx.x; index < args.rows.end; index += gridDim.x) {
    const PooledPart part = pooled_part(batch, index);
    float* sum = batch.pooled + size_t{batch.sequences[index].slot} * args.hidden;
    for (uint32_t begin = part.rows.begin; begin < part.rows.end; begin += kGroupRows) {
      const uint32_t left = part.rows.end - begin;
      const uint32_t count = left < kGroupRows ? left : kGroupRows;
      const uint32_t own = warp_index();
      if (own < count) {
        const float scale = row_scale<wide>(args, args.x + size_t{begin + own} * args.hidden);
        if (lane_index() == 0) scales[own] = scale;
      }
      __syncthreads();
      add_rows<wide>(args, begin, count, scales, part.adds || begin > part.rows.begin, sum);
      __syncthreads();
    }
    if (threadIdx.x == 0) note_pooled(batch, index, part);
  }
}

}  // namespace

bool pool_supports(const OpShape& shape) { return shape.out > 0; }

size_t pool_workspace(const OpShape&) { return 0; }

template <DType operand>
void pool(const OpArgs& op, Lane& lane) {
  const PoolArgs& args = op.pool;
  if (args.rows.empty()) return;
  const CudaLane& cuda = cuda_lane(lane);
  const auto kernel = args.hidden % kWide == 0 ? pool_sequences<kWide> : pool_sequences<1>;
  NF_LAUNCH(kernel, cuda.grid(args.rows.size(), 2), kThreads, 0, cuda.stream(), args, *args.batch);
}

template void pool<DType::kBF16>(const OpArgs&, Lane&);
template void pool<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
