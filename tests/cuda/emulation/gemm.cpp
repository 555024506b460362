#include "emulation/gemm.h"

#include <cstring>
#include <vector>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "emulation/queue.h"

namespace emulation {
namespace {

size_t bytes_of(cudaDataType type) { return type == CUDA_R_32F ? 4 : 2; }

float load(const void* data, cudaDataType type, size_t index) {
  const char* address = static_cast<const char*>(data) + index * bytes_of(type);
  if (type == CUDA_R_32F) {
    float value;
    std::memcpy(&value, address, sizeof(value));
    return value;
  }
  unsigned short bits;
  std::memcpy(&bits, address, sizeof(bits));
  return type == CUDA_R_16F ? __half2float(__ushort_as_half(bits))
                            : __bfloat162float(__ushort_as_bfloat16(bits));
}

void store(void* data, cudaDataType type, size_t index, float value) {
  char* address = static_cast<char*>(data) + index * bytes_of(type);
  if (type == CUDA_R_32F) {
    std::memcpy(address, &value, sizeof(value));
    return;
  }
  const unsigned short bits = type == CUDA_R_16F ? __half_as_ushort(__float2half_rn(value))
                                                 : __bfloat16_as_ushort(__float2bfloat16_rn(value));
  std::memcpy(address, &bits, sizeof(bits));
}

}  // namespace

bool Gemm::supported() const {
  const cudaDataType in = a_layout.type, out = d_layout.type;
  const uint64_t b_depth =
      description.transpose[1] == CUBLAS_OP_N ? b_layout.rows : b_layout.columns;
  const uint64_t b_columns =
      description.transpose[1] == CUBLAS_OP_N ? b_layout.columns : b_layout.rows;
  const uint64_t a_rows =
      description.transpose[0] == CUBLAS_OP_N ? a_layout.rows : a_layout.columns;
  for (const Layout* layout : {&a_layout, &b_layout, &c_layout, &d_layout}) {
    const uint64_t least = layout->order == CUBLASLT_ORDER_COL ? layout->rows : layout->columns;
    if (layout->rows == 0 || layout->columns == 0 || layout->batch != 1 || layout->stride < 0 ||
        static_cast<uint64_t>(layout->stride) < least) {
      return false;
    }
  }
  return description.compute == CUBLAS_COMPUTE_32F && description.scale == CUDA_R_32F &&
         in == b_layout.type && (out == in || out == CUDA_R_32F) && c_layout.type == out &&
         a_rows == rows() && b_columns == columns() && b_depth == depth() &&
         c_layout.rows == rows() && c_layout.columns == columns() &&
         (description.epilogue == CUBLASLT_EPILOGUE_DEFAULT ||
          (description.epilogue == CUBLASLT_EPILOGUE_BIAS && bias_type() == out)) &&
         description.unit_target >= 0 && description.unit_target <= Device::get().spec().units;
}

// Sums over k in [begin, end), as rows() x columns() with rows next to each other.
void Gemm::add_part(uint64_t begin, uint64_t end, float* sums) const {
  const uint64_t m = rows(), n = columns();
  std::vector<float> column_of_a(m), row_of_b(n);
  for (uint64_t k = begin; k < end; ++k) {
    for (uint64_t i = 0; i < m; ++i) {
      column_of_a[i] = load(
          a, a_layout.type,
          description.transpose[0] == CUBLAS_OP_N ? a_layout.index(i, k) : a_layout.index(k, i));
    }
    for (uint64_t j = 0; j < n; ++j) {
      row_of_b[j] = load(
          b, b_layout.type,
          description.transpose[1] == CUBLAS_OP_N ? b_layout.index(k, j) : b_layout.index(j, k));
    }
    for (uint64_t j = 0; j < n; ++j) {
      for (uint64_t i = 0; i < m; ++i) sums[j * m + i] += column_of_a[i] * row_of_b[j];
    }
  }
}

void Gemm::run() const {
  const uint64_t m = rows(), n = columns();
  std::vector<float> sums(m * n);
  const uint64_t middle = split == 1 ? depth() : depth() / 2;
  add_part(0, middle, sums.data());
  if (split != 1) {
    float* second = reinterpret_cast<float*>(workspace);
    std::memset(second, 0, workspace_bytes());
    add_part(middle, depth(), second);
    for (uint64_t i = 0; i < m * n; ++i) sums[i] += second[i];
  }
  for (uint64_t j = 0; j < n; ++j) {
    for (uint64_t i = 0; i < m; ++i) {
      float value = alpha * sums[j * m + i];
      if (beta != 0) value += beta * load(c, c_layout.type, c_layout.index(i, j));
      if (description.epilogue == CUBLASLT_EPILOGUE_BIAS) {
        value += load(description.bias, bias_type(), i);
      }
      store(d, d_layout.type, d_layout.index(i, j), value);
    }
  }
}

}  // namespace emulation
