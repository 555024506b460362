// The product that cuBLASLt is asked for: D = alpha * op(A) * op(B) + beta * C (+ bias), with sums
// in fp32.
#pragma once

#include <cublasLt.h>

#include <cstddef>
#include <cstdint>

namespace emulation {

struct Layout {
  cudaDataType type;
  cublasLtOrder_t order;
  uint64_t rows, columns;
  int64_t stride;
  int32_t batch;

  size_t index(uint64_t row, uint64_t column) const {
    const auto step = static_cast<uint64_t>(stride);
    return order == CUBLASLT_ORDER_COL ? column * step + row : row * step + column;
  }
};

struct GemmDescription {
  cublasComputeType_t compute;
  cudaDataType scale;
  cublasOperation_t transpose[3];
  uint32_t epilogue;
  const void* bias;
  int32_t bias_type;  // -1: that of D
  int32_t unit_target;
};

struct Gemm {
  GemmDescription description;
  Layout a_layout, b_layout, c_layout, d_layout;
  float alpha, beta;
  const void *a, *b, *c;
  void* d;
  char* workspace;
  uint64_t split;

  uint64_t rows() const { return d_layout.rows; }
  uint64_t columns() const { return d_layout.columns; }
  uint64_t depth() const {
    return description.transpose[0] == CUBLAS_OP_N ? a_layout.columns : a_layout.rows;
  }
  size_t workspace_bytes() const { return split == 1 ? 0 : rows() * columns() * sizeof(float); }
  cudaDataType bias_type() const {
    return description.bias_type < 0 ? d_layout.type
                                     : static_cast<cudaDataType>(description.bias_type);
  }

  bool supported() const;
  void run() const;

 private:
  void add_part(uint64_t begin, uint64_t end, float* sums) const;
};

}  // namespace emulation
