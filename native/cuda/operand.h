// The element type that feeds matrix products on a CUDA device: bf16 or fp16, chosen when the model
// is loaded. Kernels are templates over the DType; this maps it to the toolkit's types.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

#include "core/tensor.h"

namespace nf::cuda {

template <DType dtype>
struct OperandOf;

template <>
struct OperandOf<DType::kBF16> {
  using type = __nv_bfloat16;
};

template <>
struct OperandOf<DType::kF16> {
  using type = __half;
};

template <>
struct OperandOf<DType::kF32> {
  using type = float;
};

template <DType dtype>
using Operand = typename OperandOf<dtype>::type;

__device__ inline float widen(float value) { return value; }
__device__ inline float widen(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ inline float widen(__half value) { return __half2float(value); }

// Round to nearest even. fp16: what is out of range becomes an infinity, as everywhere else.
template <typename T>
__device__ inline T narrow(float value);
template <>
__device__ inline float narrow<float>(float value) {
  return value;
}
template <>
__device__ inline __nv_bfloat16 narrow<__nv_bfloat16>(float value) {
  return __float2bfloat16(value);
}
template <>
__device__ inline __half narrow<__half>(float value) {
  return __float2half(value);
}

// Two neighbours in one 32-bit register, the lower index in the lower half: one instruction.
template <typename T>
__device__ inline uint32_t narrow_pair(float low, float high);
template <>
__device__ inline uint32_t narrow_pair<__nv_bfloat16>(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  uint32_t bits;
  memcpy(&bits, &pair, sizeof(bits));
  return bits;
}
template <>
__device__ inline uint32_t narrow_pair<__half>(float low, float high) {
  const __half2 pair = __floats2half2_rn(low, high);
  uint32_t bits;
  memcpy(&bits, &pair, sizeof(bits));
  return bits;
}

}  // namespace nf::cuda
