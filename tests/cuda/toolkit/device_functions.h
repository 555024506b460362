// The functions that device code calls without an include: warp intrinsics, barriers, atomics,
// fast arithmetic and casts of bits.
#pragma once

#include <math.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "emulation/warp.h"
#include "host_defines.h"
#include "vector_types.h"

#define threadIdx (::emulation::fiber->thread)
#define blockIdx (::emulation::place.block_index)
#define blockDim (::emulation::place.block_size)
#define gridDim (::emulation::place.grid_size)
constexpr int warpSize = 32;

inline void __syncthreads() { emulation::block_barrier(); }
inline int __syncthreads_or(int value) { return emulation::block_barrier_or(value); }
inline int __syncthreads_and(int value) { return !emulation::block_barrier_or(!value); }
inline int __syncthreads_count(int value) { return emulation::block_barrier_count(value); }
inline void __syncwarp(unsigned mask = ~0u) { emulation::warp_barrier(mask); }

template <typename T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32) {
  const int own = static_cast<int>(emulation::fiber->lane);
  return emulation::shuffle("__shfl_sync", mask, value, (own & -width) | (lane & (width - 1)));
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32) {
  const int own = static_cast<int>(emulation::fiber->lane);
  const int from = own ^ lanes;
  return emulation::shuffle("__shfl_xor_sync", mask, value,
                            from < (own & -width) + width ? from : own);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned lanes, int width = 32) {
  const int own = static_cast<int>(emulation::fiber->lane);
  const int from = own + static_cast<int>(lanes);
  return emulation::shuffle("__shfl_down_sync", mask, value,
                            from < (own & -width) + width ? from : own);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned lanes, int width = 32) {
  const int own = static_cast<int>(emulation::fiber->lane);
  const int from = own - static_cast<int>(lanes);
  return emulation::shuffle("__shfl_up_sync", mask, value, from >= (own & -width) ? from : own);
}
inline unsigned __ballot_sync(unsigned mask, int value) {
  return emulation::ballot("__ballot_sync", mask, value != 0);
}
inline int __any_sync(unsigned mask, int value) {
  return emulation::ballot("__any_sync", mask, value != 0) != 0;
}
inline int __all_sync(unsigned mask, int value) {
  return emulation::ballot("__all_sync", mask, value == 0) == 0;
}
inline unsigned __activemask() { return emulation::live_lanes(); }
inline int __reduce_add_sync(unsigned mask, int value) {
  return static_cast<int>(
      emulation::reduce_add("__reduce_add_sync", mask, static_cast<unsigned>(value)));
}
inline unsigned __reduce_add_sync(unsigned mask, unsigned value) {
  return emulation::reduce_add("__reduce_add_sync", mask, value);
}

// One thread of the block runs at a time, so reading and writing in turn is atomic.
template <typename T>
T emulated_exchange(T* address, T value) {
  const T old = *address;
  *address = value;
  return old;
}
#define NF_ATOMICS(T)                                                                       \
  inline T atomicMax(T* address, T value) {                                                 \
    return emulated_exchange<T>(address, *address < value ? value : *address);              \
  }                                                                                         \
  inline T atomicMin(T* address, T value) {                                                 \
    return emulated_exchange<T>(address, value < *address ? value : *address);              \
  }                                                                                         \
  inline T atomicOr(T* address, T value) {                                                  \
    return emulated_exchange<T>(address, *address | value);                                 \
  }                                                                                         \
  inline T atomicAnd(T* address, T value) {                                                 \
    return emulated_exchange<T>(address, *address & value);                                 \
  }                                                                                         \
  inline T atomicXor(T* address, T value) {                                                 \
    return emulated_exchange<T>(address, *address ^ value);                                 \
  }                                                                                         \
  inline T atomicExch(T* address, T value) { return emulated_exchange<T>(address, value); } \
  inline T atomicCAS(T* address, T expected, T value) {                                     \
    return emulated_exchange<T>(address, *address == expected ? value : *address);          \
  }
NF_ATOMICS(int)
NF_ATOMICS(unsigned)
NF_ATOMICS(unsigned long long)
#undef NF_ATOMICS
inline int atomicAdd(int* address, int value) {
  return emulated_exchange(
      address, static_cast<int>(static_cast<unsigned>(*address) + static_cast<unsigned>(value)));
}
inline unsigned atomicAdd(unsigned* address, unsigned value) {
  return emulated_exchange(address, *address + value);
}
inline unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
  return emulated_exchange(address, *address + value);
}
inline float atomicAdd(float* address, float value) {
  return emulated_exchange(address, *address + value);
}
inline unsigned atomicInc(unsigned* address, unsigned limit) {
  return emulated_exchange(address, *address >= limit ? 0u : *address + 1);
}

inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
inline void __nanosleep(unsigned) {}
[[noreturn]] inline void __trap() { emulation::fail("__trap() was reached"); }
template <typename T>
T __ldg(const T* address) {
  return *address;
}
template <typename T>
T __ldcs(const T* address) {
  return *address;
}
template <typename T>
T __ldcg(const T* address) {
  return *address;
}
template <typename T>
void __stcs(T* address, T value) {
  *address = value;
}
template <typename T>
void __stcg(T* address, T value) {
  *address = value;
}

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return powf(10.0f, x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f; }
inline int __float2int_rn(float x) { return static_cast<int>(nearbyintf(x)); }
inline int __float2int_rd(float x) { return static_cast<int>(floorf(x)); }
inline int __float2int_rz(float x) { return static_cast<int>(x); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }

inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
inline int __ffsll(long long x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned long long>(x)) + 1;
}
inline unsigned __umulhi(unsigned x, unsigned y) {
  return static_cast<unsigned>((uint64_t{x} * y) >> 32);
}
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>((Wide{x} * y) >> 64);
}
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed |= ((x >> bit) & 1u) << (31 - bit);
  return reversed;
}
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const uint64_t bytes = uint64_t{y} << 32 | x;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned chosen = (selector >> (4 * i)) & 7u;
    result |= static_cast<unsigned>((bytes >> (8 * chosen)) & 0xffu) << (8 * i);
  }
  return result;
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>(((uint64_t{high} << 32 | low) << (shift & 31u)) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((uint64_t{high} << 32 | low) >> (shift & 31u));
}

#define NF_MIN_MAX(T)                              \
  inline T min(T x, T y) { return y < x ? y : x; } \
  inline T max(T x, T y) { return x < y ? y : x; }
NF_MIN_MAX(int)
NF_MIN_MAX(unsigned)
NF_MIN_MAX(long)
NF_MIN_MAX(unsigned long)
NF_MIN_MAX(long long)
NF_MIN_MAX(unsigned long long)
#undef NF_MIN_MAX
inline float min(float x, float y) { return fminf(x, y); }
inline float max(float x, float y) { return fmaxf(x, y); }
