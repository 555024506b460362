// One tile of a matrix product by a block: [rows of a, columns] = a * w^T, both with the reduced
// dimension contiguous, by mma.sync.
//
// A ring of stages is filled by cp.async: while one is multiplied the others are under way. A row
// of a stage is kDepth elements; its 16-byte chunks are swizzled so that neither the copies nor
// ldmatrix meet a bank twice. Every element is one chain of products in ascending order of the
// reduced dimension, whatever the tile's shape is: shapes are chosen for speed alone.
#pragma once

#include "cuda/operand.h"
#include "cuda/ptx.h"

namespace nf::cuda {

constexpr uint32_t kChunk = 8;  // elements of 16 bytes
constexpr uint32_t kNoRow = ~0u;

template <uint32_t rows, uint32_t columns, uint32_t depth, uint32_t warp_rows,
          uint32_t warp_columns, uint32_t stages, uint32_t blocks_per_unit>
struct TileShape {
  static constexpr uint32_t kRows = rows;
  static constexpr uint32_t kColumns = columns;
  static constexpr uint32_t kDepth = depth;  // 32 or 64
  static constexpr uint32_t kWarpRows = warp_rows;
  static constexpr uint32_t kWarpColumns = warp_columns;
  static constexpr uint32_t kStages = stages;
  static constexpr uint32_t kBlocksPerUnit = blocks_per_unit;
  static constexpr uint32_t kThreads = 32 * (rows / warp_rows) * (columns / warp_columns);
  static constexpr uint32_t kStageElements = (rows + columns) * depth;
  static constexpr uint32_t kSharedBytes = stages * kStageElements * sizeof(uint16_t);
};

// Prefill; some rows; decode, where what counts is that many weights are under way.
using LargeTile = TileShape<128, 128, 32, 64, 32, 4, 2>;
using MiddleTile = TileShape<64, 64, 64, 32, 32, 4, 2>;
using SmallTile = TileShape<16, 64, 64, 16, 16, 8, 2>;

template <typename T, typename Shape>
class MmaTile {
 public:
  // `shared`: Shape::kSharedBytes. `whole_chunks`: depth is a multiple of kChunk and all rows are
  // 16-byte aligned; else elements are copied one by one.
  __device__ MmaTile(T* shared, uint32_t depth, bool whole_chunks)
      : shared_(shared), depth_(depth), whole_chunks_(whole_chunks) {}

  // a_row(i), w_row(i): which row of a or w is the i-th of the tile, or kNoRow. All threads of the
  // block.
  template <typename ARow, typename WRow>
  __device__ void multiply(const T* a, ARow a_row, const T* w, WRow w_row) {
    clear();
    Operands operands{a, w, {}, {}};
    find_rows(operands.a_rows, a_row);
    find_rows(operands.w_rows, w_row);
    const uint32_t steps = (depth_ + Shape::kDepth - 1) / Shape::kDepth;
    for (uint32_t step = 0; step + 1 < Shape::kStages; ++step) copy(step, steps, operands);
    for (uint32_t step = 0; step < steps; ++step) {
      ptx::async_wait<Shape::kStages - 2>();
      __syncthreads();  // this stage has come, and all are done with the one before it
      copy(step + Shape::kStages - 1, steps, operands);
      multiply_stage(stage(step));
    }
    ptx::async_wait<0>();
    __syncthreads();
  }

  // Calls fn(row, column, sum, sum of the next column) for this thread's part of the tile.
  template <typename Fn>
  __device__ void each_pair(Fn fn) const {
    const uint32_t lane = threadIdx.x % 32;
#pragma unroll
    for (uint32_t i = 0; i < kRowTiles; ++i) {
#pragma unroll
      for (uint32_t half = 0; half < 2; ++half) {
        const uint32_t row = warp_row() + i * 16 + half * 8 + lane / 4;
#pragma unroll
        for (uint32_t j = 0; j < kColumnTiles; ++j) {
          fn(row, warp_column() + j * 8 + lane % 4 * 2, sums_[i][j][2 * half],
             sums_[i][j][2 * half + 1]);
        }
      }
    }
  }

 private:
  static constexpr uint32_t kRowTiles = Shape::kWarpRows / 16;
  static constexpr uint32_t kColumnTiles = Shape::kWarpColumns / 8;
  static constexpr uint32_t kRowChunks = Shape::kDepth / kChunk;
  static constexpr uint32_t kRowStep = Shape::kThreads / kRowChunks;  // rows that all threads copy
  static constexpr uint32_t kACopies = (Shape::kRows + kRowStep - 1) / kRowStep;
  static constexpr uint32_t kWCopies = Shape::kColumns / kRowStep;
  static_assert(Shape::kRows % kRowStep == 0 && Shape::kColumns % kRowStep == 0);
  static_assert(kColumnTiles % 2 == 0);

  // Two matrices and the rows of them that this thread copies.
  struct Operands {
    const T* a;
    const T* w;
    uint32_t a_rows[kACopies];
    uint32_t w_rows[kWCopies];
  };

  // Element offset of a chunk of a stage's row. Rows of 64 bytes lie in pairs in a line of 128.
  static __device__ uint32_t place(uint32_t row, uint32_t chunk) {
    if constexpr (kRowChunks == 8) {
      return row * Shape::kDepth + (chunk ^ row % 8) * kChunk;
    } else {
      static_assert(kRowChunks == 4 || kRowChunks == 8);
      return row / 2 * 64 + ((row % 2 * 4 + chunk) ^ row / 2 % 8) * kChunk;
    }
  }

  __device__ T* stage(uint32_t step) const {
    return shared_ + step % Shape::kStages * Shape::kStageElements;
  }
  static __device__ uint32_t warp_row() {
    return threadIdx.x / 32 / (Shape::kColumns / Shape::kWarpColumns) * Shape::kWarpRows;
  }
  static __device__ uint32_t warp_column() {
    return threadIdx.x / 32 % (Shape::kColumns / Shape::kWarpColumns) * Shape::kWarpColumns;
  }

  __device__ void clear() {
#pragma unroll
    for (uint32_t i = 0; i < kRowTiles; ++i) {
#pragma unroll
      for (uint32_t j = 0; j < kColumnTiles; ++j) {
#pragma unroll
        for (uint32_t q = 0; q < 4; ++q) sums_[i][j][q] = 0;
      }
    }
  }

  // The rows that a thread copies its chunk of: kRowStep apart in the tile.
  template <uint32_t copies, typename Row>
  static __device__ void find_rows(uint32_t (&rows)[copies], Row row) {
#pragma unroll
    for (uint32_t i = 0; i < copies; ++i) rows[i] = row(threadIdx.x / kRowChunks + i * kRowStep);
  }

  __device__ void copy(uint32_t step, uint32_t steps, const Operands& operands) {
    if (step < steps) {
      copy_rows(stage(step), step, operands.a, operands.a_rows);
      copy_rows(stage(step) + Shape::kRows * Shape::kDepth, step, operands.w, operands.w_rows);
    }
    ptx::async_commit();
  }

  template <uint32_t copies>
  __device__ void copy_rows(T* target, uint32_t step, const T* matrix,
                            const uint32_t (&rows)[copies]) {
    const uint32_t chunk = threadIdx.x % kRowChunks;
    const uint32_t first = step * Shape::kDepth + chunk * kChunk;
#pragma unroll
    for (uint32_t i = 0; i < copies; ++i) {
      T* place_in_stage = target + place(threadIdx.x / kRowChunks + i * kRowStep, chunk);
      // What is not read must still be an address.
      const bool exists = rows[i] != kNoRow && first < depth_;
      const T* source = exists ? matrix + size_t{rows[i]} * depth_ + first : matrix;
      if (whole_chunks_) {
        ptx::async_copy_16(place_in_stage, source, exists);
      } else {
        for (uint32_t k = 0; k < kChunk; ++k) {
          place_in_stage[k] = exists && first + k < depth_ ? source[k] : narrow<T>(0.0f);
        }
      }
    }
  }

  __device__ void multiply_stage(const T* a) {
    const T* w = a + Shape::kRows * Shape::kDepth;
    const uint32_t lane = threadIdx.x % 32;
#pragma unroll
    for (uint32_t k = 0; k < Shape::kDepth / 16; ++k) {
      uint32_t a_parts[kRowTiles][4];
#pragma unroll
      for (uint32_t i = 0; i < kRowTiles; ++i) {
        ptx::load_matrices(a_parts[i],
                           a + place(warp_row() + i * 16 + lane % 16, k * 2 + lane / 16));
      }
#pragma unroll
      for (uint32_t j = 0; j < kColumnTiles; j += 2) {
        uint32_t parts[4];
        ptx::load_matrices(parts, w + place(warp_column() + j * 8 + lane / 16 * 8 + lane % 8,
                                            k * 2 + lane / 8 % 2));
        const uint32_t low[2] = {parts[0], parts[1]};
        const uint32_t high[2] = {parts[2], parts[3]};
#pragma unroll
        for (uint32_t i = 0; i < kRowTiles; ++i) {
          ptx::multiply_16x8x16<T>(sums_[i][j], a_parts[i], low);
          ptx::multiply_16x8x16<T>(sums_[i][j + 1], a_parts[i], high);
        }
      }
    }
  }

  T* shared_;
  uint32_t depth_;
  bool whole_chunks_;
  float sums_[kRowTiles][kColumnTiles][4];
};

}  // namespace nf::cuda
