// One kind of matrix product as cuBLASLt wants it described: out[m, N] = a[m, K] * w[N, K]^T.
//
// cuBLASLt thinks in columns: seen that way our row-major out is out^T [N, m] = w * a^T, with w
// stored as [K, N] (so it is transposed) and a as [K, m].
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "core/tensor.h"
#include "cuda/libraries.h"

namespace nf::cuda {

// Scratch that a product may use.
constexpr size_t kProductWorkspace = size_t{32} << 20;

// What a product's algorithm may depend on, but for the rows.
struct ProductKind {
  uint32_t out = 0;     // N
  uint32_t in = 0;      // K
  uint32_t stride = 0;  // elements from a row of out to the next
  uint32_t units = 0;   // SMs it may use; 0: all
  DType operand = DType::kBF16;
  DType out_dtype = DType::kF32;  // operand or fp32; fp32 with a bias or a residual
  bool bias = false;
  bool residual = false;

  bool operator==(const ProductKind&) const = default;
};

// Device memory of one product.
struct ProductBuffers {
  const void* a;
  const void* weight;
  const float* bias;
  const float* residual;
  void* out;
  std::byte* workspace;  // kProductWorkspace bytes
};

class LtProduct {
 public:
  LtProduct(cublasLtHandle_t handle, const ProductKind& kind);

  // Rows of the products that follow.
  void set_rows(uint32_t rows);

  // The heuristic's answers for these rows, best first, at most `limit`. With `one_order` only
  // those that sum an element in one go, whatever the rows are.
  std::vector<cublasLtMatmulAlgo_t> candidates(int limit, bool one_order) const;
  bool can_run(const cublasLtMatmulAlgo_t& algorithm) const;

  cublasStatus_t run(const cublasLtMatmulAlgo_t& algorithm, const ProductBuffers& buffers,
                     cudaStream_t stream);

 private:
  template <typename Descriptor>
  struct Destroy {
    cublasStatus_t (*function)(Descriptor);
    void operator()(Descriptor descriptor) const { function(descriptor); }
  };
  template <typename Descriptor>
  using Owned = std::unique_ptr<std::remove_pointer_t<Descriptor>, Destroy<Descriptor>>;

  static Owned<cublasLtMatrixLayout_t> make_layout(DType dtype, uint64_t rows, uint64_t columns,
                                                   int64_t stride);
  template <typename T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value);

  cublasLtHandle_t handle_;
  ProductKind kind_;
  Owned<cublasLtMatmulDesc_t> product_;
  Owned<cublasLtMatrixLayout_t> weight_;
  Owned<cublasLtMatrixLayout_t> a_;
  Owned<cublasLtMatrixLayout_t> out_;  // of the residual too
};

}  // namespace nf::cuda
