#include "cuda/gemm_algorithms.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/check.h"
#include "cuda/product_timing.h"

namespace nf::cuda {

GemmAlgorithms::GemmAlgorithms(std::string device, uint32_t compute_capability,
                               uint32_t device_units, bool batch_invariant)
    : origin_{std::move(device), compute_capability, cublaslt().GetVersion()},
      device_units_(device_units),
      batch_invariant_(batch_invariant) {
  const cublasStatus_t status = cublaslt().Create(&handle_);
  NF_CHECK(status == CUBLAS_STATUS_SUCCESS, NF_UNSUPPORTED,
           "cuBLASLt does not start: status " + std::to_string(int(status)));
}

GemmAlgorithms::~GemmAlgorithms() {
  products_.clear();
  cublaslt().Destroy(handle_);
}

bool GemmAlgorithms::multiply(const ProductKind& kind, uint32_t rows, const ProductBuffers& buffers,
                              cudaStream_t stream) {
  const ProductKind wanted = normalised(kind);
  // The descriptions are shared: one product is described and launched at a time.
  const std::lock_guard lock(mutex_);
  LtProduct& product = product_of(wanted);
  const KeptAlgorithm& algorithm = algorithm_of(key_of(wanted, rows));
  if (!algorithm.exists) return false;
  product.set_rows(rows);
  return product.run(algorithm.words, buffers, stream) == CUBLAS_STATUS_SUCCESS;
}

ProductKind GemmAlgorithms::normalised(ProductKind kind) const {
  // Batch-invariant: one schedule, whatever the lane has.
  if (kind.units >= device_units_ || batch_invariant_) kind.units = 0;
  return kind;
}

ProductKey GemmAlgorithms::key_of(const ProductKind& kind, uint32_t rows) const {
  ProductKey key{kind, row_bucket(rows)};
  if (batch_invariant_) {
    key.kind.units = 0;
    key.rows = 0;
  }
  return key;
}

LtProduct& GemmAlgorithms::product_of(const ProductKind& kind) {
  const ProductKey key{kind, 0};
  const auto found = products_.find(key);
  if (found != products_.end()) return *found->second;
  return *products_.emplace(key, std::make_unique<LtProduct>(handle_, kind)).first->second;
}

const KeptAlgorithm& GemmAlgorithms::algorithm_of(const ProductKey& key) {
  const auto found = algorithms_.find(key);
  if (found == algorithms_.end()) {
    return algorithms_.emplace(key, choose(key, product_of(key.kind))).first->second;
  }
  KeptAlgorithm& algorithm = found->second;
  if (!algorithm.checked) {
    LtProduct& product = product_of(key.kind);
    algorithm.checked = works(key, product, algorithm.words);
    if (!algorithm.checked) algorithm = choose(key, product);
  }
  return algorithm;
}

// The heuristic's first answer that works.
KeptAlgorithm GemmAlgorithms::choose(const ProductKey& key, LtProduct& product) const {
  product.set_rows(batch_invariant_ ? kInvariantRows : key.rows);
  for (const cublasLtMatmulAlgo_t& words : product.candidates(kMaxCandidates, batch_invariant_)) {
    if (works(key, product, words)) return {words, true, false, true};
  }
  return {};
}

// For the rows that will use it, as far as that can be told before.
bool GemmAlgorithms::works(const ProductKey& key, LtProduct& product,
                           const cublasLtMatmulAlgo_t& words) const {
  constexpr uint32_t kSamples[] = {1, 8, 64, kInvariantRows, 8192};
  const auto can_run = [&](uint32_t rows) {
    product.set_rows(rows);
    return product.can_run(words);
  };
  if (key.rows != 0) return can_run(key.rows);
  return std::all_of(std::begin(kSamples), std::end(kSamples), can_run);
}

size_t GemmAlgorithms::tuning_bytes(const ProductKind& kind, uint32_t rows) {
  return ProductTiming::bytes(kind, rows);
}

bool GemmAlgorithms::is_measured(const ProductKind& kind, uint32_t rows) const {
  const std::lock_guard lock(mutex_);
  const auto found = algorithms_.find(key_of(normalised(kind), rows));
  return found != algorithms_.end() && found->second.measured;
}

void GemmAlgorithms::tune(const ProductKind& kind, uint32_t rows, TuningMemory memory,
                          cudaStream_t stream) {
  NF_ASSERT(memory.bytes >= tuning_bytes(kind, rows));
  const ProductKind wanted = normalised(kind);
  const ProductKey key = key_of(wanted, rows);
  const uint32_t asked = batch_invariant_ ? kInvariantRows : key.rows;
  LtProduct product(handle_, key.kind);
  product.set_rows(asked);
  std::vector<cublasLtMatmulAlgo_t> words = product.candidates(kMaxCandidates, batch_invariant_);
  std::erase_if(words, [&](const auto& candidate) { return !works(key, product, candidate); });
  product.set_rows(rows);
  ProductTiming timing(wanted, rows, memory.data, memory.bytes, stream);
  const int best = timing.fastest(product, words);
  KeptAlgorithm kept;
  kept.measured = true;
  kept.exists = best >= 0;
  if (kept.exists) kept.words = words[size_t(best)];
  const std::lock_guard lock(mutex_);
  algorithms_[key] = kept;
}

bool GemmAlgorithms::load(const std::filesystem::path& folder) {
  AlgorithmTable found = read_algorithms(folder, origin_);
  const bool useful = !found.empty();
  const std::lock_guard lock(mutex_);
  algorithms_.merge(found);
  return useful;
}

void GemmAlgorithms::save(const std::filesystem::path& folder) const {
  const std::lock_guard lock(mutex_);
  write_algorithms(folder, origin_, algorithms_);
}

}  // namespace nf::cuda
