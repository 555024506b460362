// Attention of decode rows: a block computes a part of a row (attention_work.h) for up to eight
// query heads that share a kv head. The same code runs whatever brings the pages: a Ring.
//
//   S^T[16 tokens, 8 heads] = K q^T        the tile is the A operand, q stays in registers
//   P = online softmax of S, by head       transposed in registers to a B operand
//   O^T[dims, 8 heads] += V^T P
//
// Every warp walks its own tiles: of each chunk those whose number in the sequence is the warp's
// modulo kDecodeWarps. It keeps a ring of half tiles (keys, then values) on their way to shared
// memory, which does not drain between chunks and parts. At the end of a chunk the warps' results
// are merged in the order of warps, and chunks in ascending order: by the block where it has all of
// a row, else by merge_decode_parts from scratch.
#pragma once

#include "core/backend.h"
#include "cuda/kernels/decode_attention_work.h"
#include "cuda/lane.h"

namespace nf::cuda {

// Writes the results of rows that are split.
template <DType operand>
void merge_decode_parts(const AttentionArgs& args, CudaLane& lane);

bool decode_attention_supports(const OpShape& shape);
size_t decode_attention_workspace(const OpShape& shape);

// Which tokens of a tile a row attends, as bits.
__device__ inline uint32_t visible_tokens(const DecodePart& part, uint32_t tile) {
  const uint32_t start = tile * kTileTokens;
  const uint32_t all = (1u << kTileTokens) - 1;
  const uint32_t before = part.begin > start ? (1u << (part.begin - start)) - 1 : 0;
  const uint32_t left = part.end - start;
  return (left < kTileTokens ? (1u << left) - 1 : all) & ~before;
}

// What a warp found in its tiles of a chunk. With g = lane / 4 and t = lane % 4 a lane has heads 2t
// and 2t + 1 of the tile of heads.
template <typename T, uint32_t kDim>
struct WarpResult {
  static constexpr uint32_t kBlocks = kDim / 16;
  float max[2];
  float sum[4];           // sums of the two heads, twice
  float out[kBlocks][4];  // (dim 16i + g, two heads), (dim 16i + g + 8, two heads)

  __device__ void clear() {
    max[0] = max[1] = -INFINITY;
#pragma unroll
    for (int i = 0; i < 4; ++i) sum[i] = 0;
#pragma unroll
    for (uint32_t b = 0; b < kBlocks; ++b) {
#pragma unroll
      for (int i = 0; i < 4; ++i) out[b][i] = 0;
    }
  }

  // Turns scores of 16 tokens (c[0], c[1]: token g; c[2], c[3]: token g + 8) into weights, as a B
  // operand, and scales what there is to the new maximum.
  __device__ void weigh(float (&scores)[4], uint32_t visible, float cap, uint32_t (&weights)[2]) {
    const uint32_t token = lane_index() / 4;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const bool sees = visible >> (token + i / 2 * 8) & 1;
      scores[i] = sees ? soften(scores[i], cap) : -INFINITY;
    }
    float scales[2];
#pragma unroll
    for (int head = 0; head < 2; ++head) {
      float top = fmaxf(scores[head], scores[head + 2]);
#pragma unroll
      for (int lanes = 4; lanes < 32; lanes *= 2) {
        top = fmaxf(top, __shfl_xor_sync(kAllLanes, top, lanes));
      }
      top = fmaxf(max[head], top * kLog2E);
      const float base = exponent_base(top);
      scales[head] = ptx::exp2_approximate(max[head] - base);
      max[head] = top;
      scores[head] = ptx::exp2_approximate(fmaf(scores[head], kLog2E, -base));
      scores[head + 2] = ptx::exp2_approximate(fmaf(scores[head + 2], kLog2E, -base));
    }
    weights[0] = ptx::transpose_matrix(narrow_pair<T>(scores[0], scores[1]));
    weights[1] = ptx::transpose_matrix(narrow_pair<T>(scores[2], scores[3]));
    rescale(scales);
  }

  // The maximum changes rarely, and a factor of 1 changes nothing.
  __device__ void rescale(const float (&scales)[2]) {
    if (!__any_sync(kAllLanes, scales[0] != 1 || scales[1] != 1)) return;
#pragma unroll
    for (int i = 0; i < 4; ++i) sum[i] *= scales[i % 2];
#pragma unroll
    for (uint32_t b = 0; b < kBlocks; ++b) {
#pragma unroll
      for (int i = 0; i < 4; ++i) out[b][i] *= scales[i % 2];
    }
  }

  // Adds the weighted values of a tile. A token that is not seen counts as zeros, whatever stands
  // there.
  __device__ void add_values(const T* values, uint32_t visible, const uint32_t (&weights)[2]) {
    const uint32_t ones = narrow_pair<T>(1.0f, 1.0f);
    const uint32_t all_ones[4] = {ones, ones, ones, ones};
    ptx::multiply_16x8x16<T>(sum, all_ones, weights);
    const uint32_t own = visible >> (threadIdx.x % 4 * 2);  // tokens 2t, 2t + 1, and 8 further
    const uint32_t low = (own & 1 ? 0xffffu : 0) | (own & 2 ? 0xffff0000u : 0);
    const uint32_t high = (own & 0x100 ? 0xffffu : 0) | (own & 0x200 ? 0xffff0000u : 0);
#pragma unroll
    for (uint32_t b = 0; b < kBlocks; ++b) {
      uint32_t block[4];
      load_block_transposed(block, values, b);
      const uint32_t seen[4] = {block[0] & low, block[1] & low, block[2] & high, block[3] & high};
      ptx::multiply_16x8x16<T>(out[b], seen, weights);
    }
  }
};

// The heads of a part as B operands of all blocks of dimensions; zeros where there is none.
template <typename T, uint32_t kDim>
__device__ void load_query(const AttentionInput& input, const DecodePart& part,
                           uint32_t (&query)[kDim / 16][2]) {
  const uint32_t lane = lane_index();
  const uint32_t head = lane / 4;
  const T* q = input.query<T>(part.row, part.first_head + (head < part.heads ? head : 0));
#pragma unroll
  for (uint32_t b = 0; b < kDim / 16; ++b) {
#pragma unroll
    for (uint32_t i = 0; i < 2; ++i) {
      const uint32_t dim = b * 16 + i * 8 + lane % 4 * 2;
      const bool there = head < part.heads && dim < input.layout.head_dim;
      query[b][i] = there ? *reinterpret_cast<const uint32_t*>(q + dim) : 0;
    }
  }
}

// What the threads of a block know of a chunk, or of all chunks so far: four heads of every 64th
// dimension each.
template <uint32_t kDim>
struct BlockResult {
  static constexpr uint32_t kDims = kDim / 64;
  Softmax softmax[4];
  float out[kDims][4];

  static __device__ uint32_t first_head() { return threadIdx.x % 2 * 4; }
  static __device__ uint32_t dim(uint32_t i) { return threadIdx.x / 2 + i * 64; }

  __device__ void clear() {
#pragma unroll
    for (int head = 0; head < 4; ++head) {
      softmax[head] = nothing_seen();
#pragma unroll
      for (uint32_t i = 0; i < kDims; ++i) out[i][head] = 0;
    }
  }

  __device__ void add(const BlockResult& chunk) {
#pragma unroll
    for (int head = 0; head < 4; ++head) {
      const MergeScales scales = merge(softmax[head], chunk.softmax[head]);
#pragma unroll
      for (uint32_t i = 0; i < kDims; ++i) {
        out[i][head] = merge(out[i][head], chunk.out[i][head], scales);
      }
    }
  }

  // Calls store(head of the part, dimension, index, head of the thread) for all there is.
  template <typename Store>
  __device__ void for_each(const DecodePart& part, uint32_t head_dim, Store&& store) const {
#pragma unroll
    for (uint32_t head = 0; head < 4; ++head) {
      if (first_head() + head >= part.heads) continue;
#pragma unroll
      for (uint32_t i = 0; i < kDims; ++i) {
        if (dim(i) < head_dim) store(first_head() + head, dim(i), i, head);
      }
    }
  }
};

// Results of the chunks of split rows, by part and query head.
struct PartResults {
  float* out;        // [kMaxSplitParts, num_heads, padded D], unnormalised
  Softmax* softmax;  // [kMaxSplitParts, num_heads]

  PartResults(std::byte* scratch, uint32_t num_heads, uint32_t padded_dim)
      : out(reinterpret_cast<float*>(scratch)),
        softmax(reinterpret_cast<Softmax*>(out + size_t{kMaxSplitParts} * num_heads * padded_dim)) {
  }

  template <uint32_t kDim>
  __device__ void store(const BlockResult<kDim>& chunk, const DecodePart& part,
                        const AttentionInput& input) const {
    const size_t place = size_t{part.place} * input.args.num_heads + part.first_head;
    chunk.for_each(part, input.layout.head_dim,
                   [&](uint32_t head, uint32_t dim, uint32_t i, uint32_t own) {
                     out[(place + head) * kDim + dim] = chunk.out[i][own];
                     if (dim == 0) softmax[place + head] = chunk.softmax[own];
                   });
  }
};

template <typename T, uint32_t kDim>
__device__ void store_row(const BlockResult<kDim>& total, const DecodePart& part,
                          const AttentionInput& input) {
  T* out = input.out<T>(part.row, part.first_head);
  total.for_each(part, input.layout.head_dim,
                 [&](uint32_t head, uint32_t dim, uint32_t i, uint32_t own) {
                   out[head * input.layout.head_dim + dim] =
                       narrow<T>(weighted_mean(total.out[i][own], 1.0f / total.softmax[own].sum));
                 });
}

// Where the warps of a block put what they found: [warp][dim][head of the tile], and [warp][head].
template <uint32_t kDim>
struct Exchange {
  float* out;  // dynamic shared memory
  float* max;
  float* sum;

  static constexpr uint32_t kBytes = kDecodeWarps * kDim * kTileHeads * sizeof(float);

  template <typename T>
  __device__ void put(const WarpResult<T, kDim>& result) const {
    const uint32_t warp = warp_index();
    const uint32_t lane = lane_index();
    const uint32_t head = lane % 4 * 2;
    if (lane < 4) {
#pragma unroll
      for (uint32_t i = 0; i < 2; ++i) {
        max[warp * kTileHeads + head + i] = result.max[i];
        sum[warp * kTileHeads + head + i] = result.sum[i];
      }
    }
    float* own = out + (warp * kDim + lane / 4) * kTileHeads + head;
#pragma unroll
    for (uint32_t b = 0; b < kDim / 16; ++b) {
      const float(&values)[4] = result.out[b];
      float* at = own + b * 16 * kTileHeads;
      *reinterpret_cast<float2*>(at) = make_float2(values[0], values[1]);
      *reinterpret_cast<float2*>(at + 8 * kTileHeads) = make_float2(values[2], values[3]);
    }
  }

  // Merges the warps in their order.
  __device__ BlockResult<kDim> merged() const {
    BlockResult<kDim> result;
    float scales[kDecodeWarps][4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const uint32_t head = result.first_head() + i;
      float top = max[head];
#pragma unroll
      for (uint32_t warp = 1; warp < kDecodeWarps; ++warp) {
        top = fmaxf(top, max[warp * kTileHeads + head]);
      }
      const float base = exponent_base(top);
      float total = 0;
#pragma unroll
      for (uint32_t warp = 0; warp < kDecodeWarps; ++warp) {
        scales[warp][i] = ptx::exp2_approximate(max[warp * kTileHeads + head] - base);
        total = fmaf(sum[warp * kTileHeads + head], scales[warp][i], total);
      }
      result.softmax[i] = {top, total};
    }
#pragma unroll
    for (uint32_t i = 0; i < result.kDims; ++i) {
      float(&total)[4] = result.out[i];
      total[0] = total[1] = total[2] = total[3] = 0;
#pragma unroll
      for (uint32_t warp = 0; warp < kDecodeWarps; ++warp) {
        const float4 added = *reinterpret_cast<const float4*>(
            out + (warp * kDim + result.dim(i)) * kTileHeads + result.first_head());
        total[0] = fmaf(added.x, scales[warp][0], total[0]);
        total[1] = fmaf(added.y, scales[warp][1], total[1]);
        total[2] = fmaf(added.z, scales[warp][2], total[2]);
        total[3] = fmaf(added.w, scales[warp][3], total[3]);
      }
    }
    return result;
  }
};

// Runs a block. A Ring of a warp has kSlots half tiles and a current slot: fill(source) starts to
// copy into it, or does not where source is null, and goes on to the next slot; take() waits for
// what the current slot holds.
template <typename T, uint32_t kDim, typename Ring>
__device__ void decode_attention(const AttentionInput& input, Ring ring,
                                 const Exchange<kDim>& exchange, const PartResults& results) {
  const DecodeWork work(input);
  TileWalk<T> walk(input, work);
#pragma unroll 1
  for (uint32_t i = 0; i < Ring::kSlots; ++i) ring.fill(walk.next());
  const auto replace = [&] {
    __syncwarp();  // all lanes have read the slot
    ring.fill(walk.next());
  };

#pragma unroll 1
  for (uint32_t item = blockIdx.x; item < work.count(); item += gridDim.x) {
    const DecodePart part = work.at(item);
    uint32_t query[kDim / 16][2];
    load_query<T, kDim>(input, part, query);
    BlockResult<kDim> total;
    total.clear();
#pragma unroll 1
    for (uint32_t chunk = part.first_chunk; chunk < part.end_chunk; ++chunk) {
      WarpResult<T, kDim> found;
      found.clear();
      const uint32_t end_tile = part.end_tile(chunk);
#pragma unroll 1
      for (uint32_t tile = own_tile(part.first_tile(chunk)); tile < end_tile;
           tile += kDecodeWarps) {
        float scores[4] = {0, 0, 0, 0};
        const T* keys = ring.take();
#pragma unroll
        for (uint32_t b = 0; b < kDim / 16; ++b) {
          uint32_t block[4];
          load_block(block, keys, b);
          ptx::multiply_16x8x16<T>(scores, block, query[b]);
        }
        replace();
        const uint32_t visible = visible_tokens(part, tile);
        uint32_t weights[2];
        found.weigh(scores, visible, input.args.softcap, weights);
        found.add_values(ring.take(), visible, weights);
        replace();
      }
      __syncthreads();  // all threads have read what the chunk before left
      exchange.put(found);
      __syncthreads();
      const BlockResult<kDim> merged = exchange.merged();
      if (part.split) {
        results.store(merged, part, input);
      } else {
        total.add(merged);
      }
    }
    if (!part.split) store_row<T>(total, part, input);
  }
}

}  // namespace nf::cuda
