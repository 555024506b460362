// Splits qkv into heads, norms and rotates those of q and k, and appends k and v to the pages.
//
// A work item is a head of a row, for a group of lanes as small as 16-byte accesses allow (8 of a
// head of 128): a lane has a chunk of the lower half and the chunk of the upper half it is rotated
// with. A row is read once, (Q + 2K) * D elements, and as much is written.
#include "cuda/kernels/chunk.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.h"
#include "cuda/kv_page.h"
#include "cuda/lane.h"
#include "cuda/launch.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kThreads = 256;

// A head of a row of qkv, and where it goes.
template <typename X, typename T>
struct Head {
  const X* x;
  T* out;             // a head of q, or the keys or values of a tile in a page
  const float* norm;  // [D] or null
  const float* cos;   // [D / 2] of the row's position; null: not rotated
  const float* sin;
  float scale;
  uint32_t token;  // in the tile
  bool in_page;

  // Where dimension `column` is written; of a chunk, its first.
  __device__ T* place(uint32_t column) const {
    return out + (in_page ? KvPage::in_tile(token, column) : column);
  }
};

// Head number `index` of q, then k, then v.
template <typename X, typename T>
__device__ Head<X, T> head_of(const RopeAppendArgs& args, const Batch& batch, uint32_t row,
                              uint32_t index) {
  const uint32_t dim = args.kv.head_dim;
  const uint32_t q_heads = args.num_heads;
  const uint32_t kv_heads = args.kv.num_kv_heads;
  const nf_sequence& sequence = batch.sequences[batch.row_sequence[row]];
  const uint32_t position = batch.row_position[row];
  const bool is_q = index < q_heads;
  const bool is_value = index >= q_heads + kv_heads;
  Head<X, T> head{};
  head.x = static_cast<const X*>(args.qkv) + (size_t{row} * (q_heads + 2 * kv_heads) + index) * dim;
  if (!is_value) {
    const bool is_long = (sequence.flags & NF_SEQUENCE_LONG_ROPE) != 0;
    const size_t angle = size_t{position} * (dim / 2);
    head.cos = (is_long ? args.rope.long_cos : args.rope.cos) + angle;
    head.sin = (is_long ? args.rope.long_sin : args.rope.sin) + angle;
    if (args.qk_norm != nullptr) head.norm = args.qk_norm + (is_q ? 0 : dim);
  }
  head.scale = is_q ? args.scale : 1.0f;
  if (is_q) {
    head.out = static_cast<T*>(args.q) + (size_t{row} * q_heads + index) * dim;
    return head;
  }
  const KvPage layout{args.kv.page_tokens, kv_heads, dim};
  const uint32_t page = batch.pages[sequence.page_begin + position / args.kv.page_tokens];
  const uint32_t token = position % args.kv.page_tokens;
  head.out = reinterpret_cast<T*>(args.kv.layer + page * args.kv.page_bytes) +
             layout.tile_offset((index - q_heads) % kv_heads, token / kTileTokens) +
             (is_value ? layout.half_tile() : 0);
  head.token = token % kTileTokens;
  head.in_page = true;
  return head;
}

// Turns and writes the chunks at `column` of both halves.
template <uint32_t wide, typename X, typename T>
__device__ void turn_chunk(const Head<X, T>& head, float norm_scale, uint32_t column,
                           uint32_t half) {
  float low[wide];
  float high[wide];
  load_chunk(head.x + column, low);
  load_chunk(head.x + half + column, high);
  if (head.norm != nullptr) {
    float low_weight[wide];
    float high_weight[wide];
    load_chunk(head.norm + column, low_weight);
    load_chunk(head.norm + half + column, high_weight);
    for (uint32_t k = 0; k < wide; ++k) {
      low[k] *= norm_scale * low_weight[k];
      high[k] *= norm_scale * high_weight[k];
    }
  }
  if (head.cos != nullptr) {
    float cos[wide];
    float sin[wide];
    load_chunk(head.cos + column, cos);
    load_chunk(head.sin + column, sin);
    for (uint32_t k = 0; k < wide; ++k) {
      const float turned = low[k] * cos[k] - high[k] * sin[k];
      high[k] = (high[k] * cos[k] + low[k] * sin[k]) * head.scale;
      low[k] = turned * head.scale;
    }
  }
  store_chunk(head.place(column), low);
  store_chunk(head.place(half + column), high);
}

template <typename X, typename T, uint32_t wide>
__global__ void __launch_bounds__(kThreads)
    turn_rows(RopeAppendArgs args, Batch batch, uint32_t lanes) {
  const uint32_t dim = args.kv.head_dim;
  const uint32_t half = dim / 2;
  const uint32_t heads = args.num_heads + 2 * args.kv.num_kv_heads;
  const uint32_t items = args.rows.size() * heads;
  const uint32_t own_lane = threadIdx.x % lanes;
  const uint32_t block_items = kThreads / lanes;
  for (uint32_t begin = blockIdx.x * block_items; begin < items; begin += gridDim.x * block_items) {
    // Lanes without a head go along: the warp adds up together.
    const uint32_t item = begin + threadIdx.x / lanes;
    const uint32_t row = args.rows.begin + item / heads;
    const bool is_head = item < items && batch.row_sequence[row] != kNoSequence;
    Head<X, T> head{};
    if (is_head) head = head_of<X, T>(args, batch, row, item % heads);
    float sum = 0;
    if (is_head && head.norm != nullptr) {
      for (uint32_t i = own_lane * wide; i < dim; i += lanes * wide) {
        float chunk[wide];
        load_chunk(head.x + i, chunk);
        for (const float value : chunk) sum += value * value;
      }
    }
    if (args.qk_norm != nullptr) sum = reduce_lanes<Sum>(sum, lanes);
    const float norm_scale = 1.0f / sqrtf(sum / float(dim) + args.epsilon);
    if (!is_head) continue;
    for (uint32_t i = own_lane * wide; i < half; i += lanes * wide) {
      turn_chunk<wide>(head, norm_scale, i, half);
    }
  }
}

template <typename X, typename T>
void launch(const RopeAppendArgs& args, const CudaLane& cuda) {
  const uint32_t dim = args.kv.head_dim;
  const bool is_wide = dim % (2 * kWide) == 0;
  const uint32_t chunks = dim / 2 / (is_wide ? kWide : 1);  // of half a head
  uint32_t lanes = 1;
  while (lanes < chunks && lanes < kWarpSize) lanes *= 2;
  const uint32_t items = args.rows.size() * (args.num_heads + 2 * args.kv.num_kv_heads);
  const uint32_t block_items = kThreads / lanes;
  const auto kernel = is_wide ? turn_rows<X, T, kWide> : turn_rows<X, T, 1>;
  NF_LAUNCH(kernel, cuda.grid((items + block_items - 1) / block_items, 8), kThreads, 0,
            cuda.stream(), args, *args.batch, lanes);
}

}  // namespace

bool rope_append_supports(const OpShape& shape) {
  return shape.head_dim % 2 == 0 && shape.head_dim <= kMaxHeadDim;
}

size_t rope_append_workspace(const OpShape&) { return 0; }

template <DType operand>
void rope_append(const OpArgs& op, Lane& lane) {
  const RopeAppendArgs& args = op.rope_append;
  if (args.rows.empty()) return;
  if (args.qkv_dtype == DType::kF32) {
    launch<float, Operand<operand>>(args, cuda_lane(lane));
  } else {
    launch<Operand<operand>, Operand<operand>>(args, cuda_lane(lane));
  }
}

template void rope_append<DType::kBF16>(const OpArgs&, Lane&);
template void rope_append<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
