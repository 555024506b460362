// Which algorithm of cuBLASLt multiplies what: measured, read from a file, or the library's own
// first choice.
//
// Algorithms are kept for kinds of products and buckets of rows. In batch-invariant mode a kind has
// one algorithm for all rows and units, one that sums an element in one go: the bits of a row then
// do not depend on the rows beside it.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "cuda/algorithm_table.h"
#include "cuda/lt_product.h"

namespace nf::cuda {

// The rows that m rows share an algorithm with: the next of 1, 2, 4, 8, 16, 32, 64, 96, 128, 192,
// 256, 384, ...
constexpr uint32_t row_bucket(uint32_t m) {
  uint32_t power = 1;
  while (power < m) power *= 2;
  return power >= 128 && m <= power / 4 * 3 ? power / 4 * 3 : power;
}

// Device memory in which products are measured.
struct TuningMemory {
  std::byte* data;
  size_t bytes;
};

class GemmAlgorithms {
 public:
  // For the current device. Throws NF_UNSUPPORTED where there is no cuBLASLt.
  GemmAlgorithms(std::string device, uint32_t compute_capability, uint32_t device_units,
                 bool batch_invariant);
  ~GemmAlgorithms();
  GemmAlgorithms(const GemmAlgorithms&) = delete;
  GemmAlgorithms& operator=(const GemmAlgorithms&) = delete;

  // Launches the product of some rows. False, and nothing done: cuBLASLt has no algorithm for it.
  // Allocates only at the first product of a kind and bucket. Any thread.
  bool multiply(const ProductKind& kind, uint32_t rows, const ProductBuffers& buffers,
                cudaStream_t stream);

  // Was the product's algorithm chosen by tune, now or in an earlier run?
  bool is_measured(const ProductKind& kind, uint32_t rows) const;
  // Bytes of memory that tune needs at least; with several times as many, weights are read from
  // the device's memory as they are in service, not from its cache.
  static size_t tuning_bytes(const ProductKind& kind, uint32_t rows);
  // Measures the library's candidates on random operands and keeps the fastest. Waits for it.
  void tune(const ProductKind& kind, uint32_t rows, TuningMemory memory, cudaStream_t stream);

  // Adds what an earlier run kept in this folder; false: there is nothing of use. What was already
  // known stays.
  bool load(const std::filesystem::path& folder);
  // Throws NF_IO.
  void save(const std::filesystem::path& folder) const;

  bool batch_invariant() const { return batch_invariant_; }

 private:
  static constexpr int kMaxCandidates = 8;
  // The rows an algorithm is asked for in batch-invariant mode.
  static constexpr uint32_t kInvariantRows = 512;

  ProductKind normalised(ProductKind kind) const;
  ProductKey key_of(const ProductKind& kind, uint32_t rows) const;
  LtProduct& product_of(const ProductKind& kind);
  const KeptAlgorithm& algorithm_of(const ProductKey& key);
  KeptAlgorithm choose(const ProductKey& key, LtProduct& product) const;
  bool works(const ProductKey& key, LtProduct& product, const cublasLtMatmulAlgo_t& words) const;

  const AlgorithmOrigin origin_;
  const uint32_t device_units_;
  const bool batch_invariant_;
  cublasLtHandle_t handle_ = nullptr;

  mutable std::mutex mutex_;
  std::unordered_map<ProductKey, std::unique_ptr<LtProduct>, ProductKeyHash> products_;  // rows: 0
  AlgorithmTable algorithms_;
};

}  // namespace nf::cuda
