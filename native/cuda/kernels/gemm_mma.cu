// GEMM by our own tensor-core kernel. Any size; depths that are a multiple of 8 are fast.
//
// Blocks walk over the tiles of the result, all rows of a column of tiles before the next column:
// weights are read from memory once, activations stay in the second-level cache.
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

template <typename T>
struct Product {
  const T* a;       // [rows, depth]
  const T* weight;  // [columns, depth]
  uint32_t rows;
  uint32_t depth;
  bool whole_chunks;
  ProductOutput output;
};

template <typename T, typename Shape>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerUnit)
    gemm_kernel(Product<T> product) {
  NF_DYNAMIC_SHARED(T, shared);
  MmaTile<T, Shape> tile(shared, product.depth, product.whole_chunks);
  const uint32_t columns = product.output.columns;
  const uint32_t high = num_parts(product.rows, Shape::kRows);
  const uint32_t wide = num_parts(columns, Shape::kColumns);
  for (uint32_t index = blockIdx.x; index < high * wide; index += gridDim.x) {
    const uint32_t first_row = index % high * Shape::kRows;
    const uint32_t first_column = index / high * Shape::kColumns;
    tile.multiply(
        product.a,
        [&](uint32_t i) { return first_row + i < product.rows ? first_row + i : kNoRow; },
        product.weight,
        [&](uint32_t i) { return first_column + i < columns ? first_column + i : kNoRow; });
    tile.each_pair([&](uint32_t row, uint32_t column, float low, float next) {
      if (first_row + row >= product.rows) return;
      product.output.template write<T>(first_row + row, first_column + column, low, next);
    });
  }
}

template <typename T, typename Shape>
void launch(const Product<T>& product, CudaLane& lane) {
  constexpr auto kernel = gemm_kernel<T, Shape>;
  allow_shared_bytes<kernel>(Shape::kSharedBytes);
  const uint32_t tiles =
      num_parts(product.rows, Shape::kRows) * num_parts(product.output.columns, Shape::kColumns);
  NF_LAUNCH(kernel, lane.grid(tiles, Shape::kBlocksPerUnit), Shape::kThreads, Shape::kSharedBytes,
            lane.stream(), product);
}

template <typename T>
Product<T> product_of(const GemmArgs& args) {
  const size_t first = args.rows.begin;
  const uint32_t depth = args.weight.in;
  const bool fp32 = args.out_dtype == DType::kF32;
  std::byte* out =
      static_cast<std::byte*>(args.out) + first * args.stride() * size_of(args.out_dtype);
  const T* a = static_cast<const T*>(args.a) + first * depth;
  const float* residual =
      args.residual == nullptr ? nullptr : args.residual + first * args.stride();
  const bool pairs = args.stride() % 2 == 0 && is_aligned(out, 2 * size_of(args.out_dtype));
  return {a,
          static_cast<const T*>(args.weight.data),
          args.rows.size(),
          depth,
          depth % kChunk == 0 && is_aligned(a, 16) && is_aligned(args.weight.data, 16),
          {out, args.bias, residual, args.weight.out, args.stride(), args.softcap, fp32, pairs}};
}

}  // namespace

bool gemm_mma_supports(const OpShape& shape) { return shape.out > 0 && shape.in > 0; }

size_t gemm_mma_workspace(const OpShape&) { return 0; }

template <DType operand>
void gemm_mma(const OpArgs& op, Lane& lane) {
  using T = Operand<operand>;
  const GemmArgs& args = op.gemm;
  if (args.rows.empty()) return;
  NF_ASSERT(args.out_dtype == DType::kF32 || args.out_dtype == operand);
  CudaLane& cuda = cuda_lane(lane);
  const Product<T> product = product_of<T>(args);
  // The largest tile that still gives every SM one: it reads its operands the fewest times.
  const uint32_t rows = product.rows;
  const uint32_t large =
      num_parts(rows, LargeTile::kRows) * num_parts(args.weight.out, LargeTile::kColumns);
  if (rows <= SmallTile::kRows) {
    launch<T, SmallTile>(product, cuda);
  } else if (rows <= MiddleTile::kRows || large < cuda.units()) {
    launch<T, MiddleTile>(product, cuda);
  } else {
    launch<T, LargeTile>(product, cuda);
  }
}

template void gemm_mma<DType::kBF16>(const OpArgs&, Lane&);
template void gemm_mma<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
