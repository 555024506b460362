// Algorithms of cuBLASLt by what they multiply, and the file that keeps them from run to run.
//
// The file is text, for one version of the library and one kind of device: a line that says so,
// then a line for each algorithm. What does not fit, or is not understood, counts as not being
// there.
#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>

#include "cuda/lt_product.h"

namespace nf::cuda {

struct ProductKey {
  ProductKind kind;
  uint32_t rows = 0;  // of the bucket; 0: all

  bool operator==(const ProductKey&) const = default;
};

struct ProductKeyHash {
  size_t operator()(const ProductKey& key) const;
};

// An algorithm as the library keeps it: a few words that only the same version can read.
struct KeptAlgorithm {
  cublasLtMatmulAlgo_t words = {};
  bool exists = false;    // false: cuBLASLt has none for this product
  bool measured = false;  // false: the library's first choice
  bool checked = true;    // false: comes from a file, and may not fit
};
using AlgorithmTable = std::unordered_map<ProductKey, KeptAlgorithm, ProductKeyHash>;

// For whom algorithms hold.
struct AlgorithmOrigin {
  std::string device;               // its name
  uint32_t compute_capability = 0;  // 90
  size_t library = 0;               // version of cuBLASLt

  // "cublaslt-120405-NVIDIA-H100-sm90.txt"
  std::string file_name() const;
};

// What the folder has for this origin: nothing where there is no file, or not a sound one.
AlgorithmTable read_algorithms(const std::filesystem::path& folder, const AlgorithmOrigin& origin);

// Replaces the file by what was measured, in one move, so that nobody reads half of it. Throws
// NF_IO.
void write_algorithms(const std::filesystem::path& folder, const AlgorithmOrigin& origin,
                      const AlgorithmTable& table);

}  // namespace nf::cuda
