// What a product's kernel does with its sums: bias, residual and cap, then out in fp32 or in the
// operand dtype.
#pragma once

#include "cuda/operand.h"

namespace nf::cuda {

struct ProductOutput {
  void* out;              // [rows, stride]
  const float* bias;      // [columns] or null
  const float* residual;  // [rows, stride] or null
  uint32_t columns;
  uint32_t stride;
  float softcap;  // 0: none
  bool fp32;      // else the operand dtype
  bool pairs;     // two neighbours, the first one even, may be written at once

  // Sums of columns `column`, which is even, and the next one.
  template <typename T>
  __device__ void write(size_t row, uint32_t column, float low, float high) const {
    if (column >= columns) return;
    const size_t place = row * stride + column;
    low = finish(low, place, column);
    if (column + 1 < columns) high = finish(high, place + 1, column + 1);
    if (fp32) {
      write_as(static_cast<float*>(out) + place, column, low, high);
    } else {
      write_as(static_cast<T*>(out) + place, column, low, high);
    }
  }

 private:
  __device__ float finish(float sum, size_t place, uint32_t column) const {
    if (bias != nullptr) sum += bias[column];
    if (residual != nullptr) sum += residual[place];
    return softcap > 0 ? softcap * tanhf(sum / softcap) : sum;
  }

  __device__ void write_as(float* target, uint32_t column, float low, float high) const {
    if (pairs && column + 1 < columns) {
      *reinterpret_cast<float2*>(target) = make_float2(low, high);
      return;
    }
    target[0] = low;
    if (column + 1 < columns) target[1] = high;
  }
  template <typename T>
  __device__ void write_as(T* target, uint32_t column, float low, float high) const {
    if (pairs && column + 1 < columns) {
      *reinterpret_cast<uint32_t*>(target) = narrow_pair<T>(low, high);
      return;
    }
    target[0] = narrow<T>(low);
    if (column + 1 < columns) target[1] = narrow<T>(high);
  }
};

}  // namespace nf::cuda
