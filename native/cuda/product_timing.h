// Measures how long algorithms take for one product, on random operands: zeros would take less
// power, and so less time.
#pragma once

#include <cuda_runtime.h>

#include <vector>

#include "cuda/lt_product.h"

namespace nf::cuda {

class ProductTiming {
 public:
  // Fills `memory`: workspace, then as many sets of operands as there is room for, up to kMaxSets.
  ProductTiming(const ProductKind& kind, uint32_t rows, std::byte* memory, size_t bytes,
                cudaStream_t stream);
  ~ProductTiming();
  ProductTiming(const ProductTiming&) = delete;
  ProductTiming& operator=(const ProductTiming&) = delete;

  // Of one set of operands and the workspace.
  static size_t bytes(const ProductKind& kind, uint32_t rows);

  // The index of the algorithm with the least median time; -1: none runs. Waits for the stream.
  int fastest(LtProduct& product, const std::vector<cublasLtMatmulAlgo_t>& algorithms);

 private:
  static constexpr size_t kMaxSets = 16;
  static constexpr int kRounds = 7;    // measured ones; the median counts
  static constexpr int kLaunches = 4;  // of a round, one after the other

  // The time of one round in milliseconds; negative: the algorithm does not run.
  float round(LtProduct& product, const cublasLtMatmulAlgo_t& algorithm);

  cudaStream_t stream_;
  std::vector<ProductBuffers> sets_;
  size_t next_ = 0;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

}  // namespace nf::cuda
