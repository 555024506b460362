// GEMM with the experts of each row: out[row, slot] = a * w[expert(row, slot)]^T.
//
// A first kernel sorts the (row, slot) entries of the launch by expert, a second one walks over the
// tiles of (entries of one expert) x columns with the tile of a plain GEMM and gathered rows. An
// expert's weights are read from memory about once, those of an expert without entries not at all.
// An element is summed as in a GEMM with that expert alone.
#include "core/check.h"
#include "cuda/alignment.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/mma_output.h"
#include "cuda/kernels/mma_tile.h"
#include "cuda/lane.h"
#include "cuda/launch.h"
#include "cuda/shared_bytes.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kSortThreads = 256;
constexpr uint32_t kSortWarps = kSortThreads / 32;

struct Entries {
  const uint32_t* routing;  // of all rows, see RoutingView
  uint32_t slots;
  uint32_t num_experts;
  uint32_t first;  // entry: row * slots + slot
  uint32_t count;
  uint32_t* order;  // [count] entries by expert, those of one expert ascending
  uint32_t* begin;  // [experts + 1] where those of an expert begin in order

  __device__ uint32_t expert(uint32_t index) const {
    const uint32_t entry = first + index;
    return routing[size_t{entry / slots} * 2 * slots + entry % slots];
  }
};

// A block finds the place of an expert's entries by itself, from how many go to an expert before
// it; its warps share the entries out in equal runs. Entries that name no expert are left out.
__global__ void __launch_bounds__(kSortThreads) sort_kernel(Entries entries) {
  __shared__ uint32_t before[kSortWarps];  // entries of a warp's run that go to earlier experts
  __shared__ uint32_t equal[kSortWarps];   // and to this one
  const uint32_t warp = threadIdx.x / 32;
  const uint32_t lane = threadIdx.x % 32;
  const uint32_t run = num_parts(num_parts(entries.count, 32), kSortWarps) * 32;
  const uint32_t run_begin = min(warp * run, entries.count);
  const uint32_t run_end = min(run_begin + run, entries.count);
  for (uint32_t expert = blockIdx.x; expert <= entries.num_experts; expert += gridDim.x) {
    uint32_t earlier = 0;
    uint32_t same = 0;
    for (uint32_t i = run_begin; i < run_end; i += 32) {
      const uint32_t chosen = i + lane < run_end ? entries.expert(i + lane) : ~0u;
      earlier += __popc(__ballot_sync(~0u, chosen < expert));
      same += __popc(__ballot_sync(~0u, chosen == expert));
    }
    if (lane == 0) {
      before[warp] = earlier;
      equal[warp] = same;
    }
    __syncthreads();
    uint32_t begin = 0;
    uint32_t place = 0;
    for (uint32_t i = 0; i < kSortWarps; ++i) {
      begin += before[i];
      place += i < warp ? equal[i] : 0;
    }
    __syncthreads();
    if (threadIdx.x == 0) entries.begin[expert] = begin;
    if (expert == entries.num_experts || same == 0) continue;
    place += begin;
    for (uint32_t i = run_begin; i < run_end; i += 32) {
      const bool mine = i + lane < run_end && entries.expert(i + lane) == expert;
      const uint32_t found = __ballot_sync(~0u, mine);
      const uint32_t rank = __popc(found & ((1u << lane) - 1));
      if (mine) entries.order[place + rank] = entries.first + i + lane;
      place += __popc(found);
    }
  }
}

template <typename T>
struct GroupedProduct {
  const T* a;                // [rows or entries, depth]
  uint32_t entries_per_row;  // of a: 1 or the slots
  const std::byte* weight;
  size_t weight_stride;  // bytes from one expert to the next
  uint32_t num_experts;
  uint32_t depth;
  bool whole_chunks;
  const uint32_t* order;
  const uint32_t* begin;
  ProductOutput output;  // row: the entry
};

// first_block[i]: blocks of `size` entries that experts before the i-th have; one more for all.
template <uint32_t size>
__device__ void count_blocks(const uint32_t* begin, uint32_t num_experts, uint32_t* first_block) {
  __shared__ uint32_t carry[32];
  // Each thread of the first warp sums a run of experts, then they are put one after the other.
  if (threadIdx.x < 32) {
    const uint32_t run = num_parts(num_experts, 32);
    const uint32_t run_begin = min(threadIdx.x * run, num_experts);
    const uint32_t run_end = min(run_begin + run, num_experts);
    uint32_t blocks = 0;
    for (uint32_t i = run_begin; i < run_end; ++i) {
      blocks += num_parts(begin[i + 1] - begin[i], size);
    }
    carry[threadIdx.x] = blocks;
    __syncwarp();
    uint32_t sum = 0;
    for (uint32_t i = 0; i < threadIdx.x; ++i) sum += carry[i];
    for (uint32_t i = run_begin; i < run_end; ++i) {
      first_block[i] = sum;
      sum += num_parts(begin[i + 1] - begin[i], size);
    }
    if (threadIdx.x == 31) first_block[num_experts] = sum;
  }
  __syncthreads();
}

// The last expert whose first block is not behind `block`: the one that has it.
__device__ inline uint32_t expert_of(const uint32_t* first_block, uint32_t num_experts,
                                     uint32_t block) {
  uint32_t expert = 0;
  for (uint32_t end = num_experts; end - expert > 1;) {
    const uint32_t middle = (expert + end) / 2;
    if (first_block[middle] <= block) {
      expert = middle;
    } else {
      end = middle;
    }
  }
  return expert;
}

// Some entries of one expert, and some columns.
struct GroupTile {
  // `index` of the tiles: those of one expert and the same columns follow each other, so that they
  // share the weights.
  template <typename T, typename Shape>
  static __device__ GroupTile find(const GroupedProduct<T>& product, const uint32_t* first_block,
                                   uint32_t index) {
    const uint32_t blocks = first_block[product.num_experts];
    const uint32_t block = index % blocks;
    const uint32_t expert = expert_of(first_block, product.num_experts, block);
    return {expert, product.begin[expert] + (block - first_block[expert]) * Shape::kRows,
            product.begin[expert + 1], index / blocks * Shape::kColumns};
  }

  uint32_t expert;
  uint32_t begin;  // in order
  uint32_t end;    // of the expert's entries
  uint32_t first_column;
};

template <typename T, typename Shape>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerUnit)
    grouped_gemm_kernel(GroupedProduct<T> product) {
  NF_DYNAMIC_SHARED(T, shared);
  __shared__ uint32_t first_block[NF_MAX_EXPERTS + 1];
  count_blocks<Shape::kRows>(product.begin, product.num_experts, first_block);
  MmaTile<T, Shape> sums(shared, product.depth, product.whole_chunks);
  const uint32_t tiles =
      first_block[product.num_experts] * num_parts(product.output.columns, Shape::kColumns);
  for (uint32_t index = blockIdx.x; index < tiles; index += gridDim.x) {
    const auto tile = GroupTile::find<T, Shape>(product, first_block, index);
    const T* weight =
        reinterpret_cast<const T*>(product.weight + tile.expert * product.weight_stride);
    sums.multiply(
        product.a,
        [&](uint32_t i) {
          if (tile.begin + i >= tile.end) return kNoRow;
          return product.order[tile.begin + i] / product.entries_per_row;
        },
        weight,
        [&](uint32_t i) {
          const uint32_t column = tile.first_column + i;
          return column < product.output.columns ? column : kNoRow;
        });
    // Found once more: no register has to keep it while the tile is multiplied.
    const auto done = GroupTile::find<T, Shape>(product, first_block, index);
    sums.each_pair([&](uint32_t row, uint32_t column, float low, float next) {
      if (done.begin + row >= done.end) return;
      const uint32_t entry = product.order[done.begin + row];
      product.output.template write<T>(entry, done.first_column + column, low, next);
    });
  }
}

template <typename T, typename Shape>
void launch(const GroupedProduct<T>& product, uint32_t entries, CudaLane& lane) {
  constexpr auto kernel = grouped_gemm_kernel<T, Shape>;
  allow_shared_bytes<kernel>(Shape::kSharedBytes);
  // At most: every expert with entries has one block that is not full.
  const uint32_t partial = entries < product.num_experts ? entries : product.num_experts;
  const uint32_t tiles =
      (entries / Shape::kRows + partial) * num_parts(product.output.columns, Shape::kColumns);
  NF_LAUNCH(kernel, lane.grid(tiles, Shape::kBlocksPerUnit), Shape::kThreads, Shape::kSharedBytes,
            lane.stream(), product);
}

}  // namespace

bool grouped_gemm_mma_supports(const OpShape& shape) {
  return shape.out > 0 && shape.in > 0 && shape.num_experts <= NF_MAX_EXPERTS;
}

size_t grouped_gemm_mma_workspace(const OpShape& shape) {
  return (size_t{shape.num_experts} + 1) * sizeof(uint32_t);
}

template <DType operand>
void grouped_gemm_mma(const OpArgs& op, Lane& lane) {
  using T = Operand<operand>;
  const GroupedGemmArgs& args = op.grouped_gemm;
  if (args.rows.empty()) return;
  NF_ASSERT(args.weight.count <= NF_MAX_EXPERTS);
  NF_ASSERT(args.out_dtype == DType::kF32 || args.out_dtype == operand);
  CudaLane& cuda = cuda_lane(lane);
  const uint32_t slots = args.routing.slots;
  const uint32_t experts = args.weight.count;
  const uint32_t first = args.rows.begin * slots;
  const uint32_t count = args.rows.size() * slots;
  auto* begin = reinterpret_cast<uint32_t*>(cuda.scratch(0));
  uint32_t* order = args.order + first;
  NF_LAUNCH(sort_kernel, cuda.grid(experts + 1, 2048 / kSortThreads), kSortThreads, 0,
            cuda.stream(), Entries{args.routing.data, slots, experts, first, count, order, begin});

  const uint32_t depth = args.weight.in;
  const uint32_t columns = args.weight.out;
  const bool chunks = depth % kChunk == 0 && is_aligned(args.a, 16) &&
                      is_aligned(args.weight.data, 16) && args.weight.stride % 16 == 0;
  const bool pairs = columns % 2 == 0 && is_aligned(args.out, 2 * size_of(args.out_dtype));
  const GroupedProduct<T> product{
      static_cast<const T*>(args.a),
      args.a_per_slot ? 1 : slots,
      static_cast<const std::byte*>(args.weight.data),
      args.weight.stride,
      experts,
      depth,
      chunks,
      order,
      begin,
      {args.out, nullptr, nullptr, columns, columns, 0, args.out_dtype == DType::kF32, pairs}};
  // As many rows as an expert has on average.
  if (count <= SmallTile::kRows * experts) {
    launch<T, SmallTile>(product, count, cuda);
  } else if (count <= MiddleTile::kRows * experts) {
    launch<T, MiddleTile>(product, count, cuda);
  } else {
    launch<T, LargeTile>(product, count, cuda);
  }
}

template void grouped_gemm_mma<DType::kBF16>(const OpArgs&, Lane&);
template void grouped_gemm_mma<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
