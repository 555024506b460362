// Merges the chunks of decode rows that were split, in ascending order: the arithmetic of a block
// that has all chunks of a row.
#include "cuda/kernels/decode_attention_tile.h"
#include "cuda/launch.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kBatch = 8;  // chunks that are on their way at a time
constexpr uint32_t kBlocksPerUnit = 8;

// A block takes a row and head at a time, a thread one dimension of it.
template <typename T>
__global__ void merge_parts(AttentionInput input, PartResults results, uint32_t padded_dim) {
  const Batch& batch = input.batch;
  const RowRange rows = input.args.rows;
  const uint32_t dim = threadIdx.x;
  if (dim >= input.layout.head_dim) return;
  const uint32_t items = rows.size() * input.args.num_heads;
  for (uint32_t item = blockIdx.x; item < items; item += gridDim.x) {
    const uint32_t row = rows.begin + item / input.args.num_heads;
    const uint32_t head = item % input.args.num_heads;
    const uint32_t first = batch.first_part[row];
    const uint32_t end = batch.first_part[row + 1];
    if (end - first <= 1) continue;
    // Chunks before the window have no results.
    uint32_t part = first + input.args.first_visible(batch.row_position[row]) / kChunkTokens;
    Softmax total = nothing_seen();
    float out = 0;
    for (; part < end; part += kBatch) {
      Softmax softmax[kBatch];
      float values[kBatch];
#pragma unroll
      for (uint32_t i = 0; i < kBatch; ++i) {
        const size_t place = size_t{min(part + i, end - 1)} * input.args.num_heads + head;
        softmax[i] = results.softmax[place];
        values[i] = results.out[place * padded_dim + dim];
      }
#pragma unroll
      for (uint32_t i = 0; i < kBatch; ++i) {
        if (part + i >= end) break;
        out = merge(out, values[i], merge(total, softmax[i]));
      }
    }
    input.out<T>(row, head)[dim] = narrow<T>(weighted_mean(out, 1.0f / total.sum));
  }
}

}  // namespace

bool decode_attention_supports(const OpShape& shape) {
  return attention_shape_fits(shape.head_dim, shape.num_heads, shape.num_kv_heads);
}

size_t decode_attention_workspace(const OpShape& shape) {
  const KvPage layout{kTileTokens, shape.num_kv_heads, shape.head_dim};
  return size_t{kMaxSplitParts} * shape.num_heads * (layout.padded_dim() + 2) * sizeof(float);
}

template <DType operand>
void merge_decode_parts(const AttentionArgs& args, CudaLane& lane) {
  const AttentionInput input(args);
  const uint32_t padded_dim = input.layout.padded_dim();
  const PartResults results(lane.scratch(0), args.num_heads, padded_dim);
  const uint32_t grid = lane.grid(args.rows.size() * args.num_heads, kBlocksPerUnit);
  NF_LAUNCH(merge_parts<Operand<operand>>, grid, padded_dim, 0, lane.stream(), input, results,
            padded_dim);
}

template void merge_decode_parts<DType::kBF16>(const AttentionArgs&, CudaLane&);
template void merge_decode_parts<DType::kF16>(const AttentionArgs&, CudaLane&);

}  // namespace nf::cuda
