// The functions of native/cuda/ptx.h for the host; what each does is written there. Whatever is
// asynchronous on a device happens here as late as the waits allow, and until then its destination
// holds NaNs: a kernel that waits too little is seen.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "cuda.h"
#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "emulation/fiber.h"

namespace emulation {

void issue_async_copy(void* shared, const void* global, bool valid);
void commit_async_copies();
void wait_async_copies(uint32_t pending);

void load_matrices(uint32_t* registers, const void* shared_row, bool transposed);
uint32_t transpose_matrix(uint32_t value);
void multiply_16x8x16(Element element, float* c, const uint32_t* a, const uint32_t* b);

void init_barrier(uint64_t* barrier, uint32_t arrivals);
void arrive_at_barrier(uint64_t* barrier, uint32_t expected_bytes);
void wait_for_barrier(uint64_t* barrier, uint32_t parity);
void issue_bulk_copy(void* shared, const void* global, uint32_t bytes, uint64_t* barrier);
void issue_tensor_copy(void* shared, const CUtensorMap* map, int column, int row,
                       uint64_t* barrier);

uint32_t shared_offset(const void* shared);
uint64_t describe_matrix(const void* shared);
// One of a and registers is given.
void issue_product(Element element, float* d, uint64_t a, const uint32_t* registers, uint64_t b,
                   bool add);
void commit_products();
void wait_products(uint32_t pending);

template <typename T>
constexpr Element element_of() {
  static_assert(std::is_same_v<T, __nv_bfloat16> || std::is_same_v<T, __half>);
  return std::is_same_v<T, __half> ? Element::kF16 : Element::kBF16;
}

}  // namespace emulation

namespace nf::cuda::ptx {

inline float exp2_approximate(float x) {
  const float power = exp2f(x);
  return power < 0x1p-126f ? 0.0f : power;
}

inline uint32_t shared_address(const void* shared) { return emulation::shared_offset(shared); }

inline void async_copy_16(void* shared, const void* global, bool valid = true) {
  emulation::issue_async_copy(shared, global, valid);
}
inline void async_commit() { emulation::commit_async_copies(); }
template <int pending>
inline void async_wait() {
  emulation::wait_async_copies(pending);
}

inline void load_matrices(uint32_t (&registers)[4], const void* shared_row) {
  emulation::load_matrices(registers, shared_row, false);
}
inline void load_matrices_transposed(uint32_t (&registers)[4], const void* shared_row) {
  emulation::load_matrices(registers, shared_row, true);
}
inline uint32_t transpose_matrix(uint32_t value) { return emulation::transpose_matrix(value); }

template <typename T>
inline void multiply_16x8x16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  emulation::multiply_16x8x16(emulation::element_of<T>(), c, a, b);
}

inline void barrier_init(uint64_t* barrier, uint32_t arrivals) {
  emulation::init_barrier(barrier, arrivals);
}
inline void fence_barrier_init() {}
inline void barrier_arrive(uint64_t* barrier) { emulation::arrive_at_barrier(barrier, 0); }
inline void barrier_expect_bytes(uint64_t* barrier, uint32_t bytes) {
  emulation::arrive_at_barrier(barrier, bytes);
}
inline void barrier_wait(uint64_t* barrier, uint32_t parity) {
  emulation::wait_for_barrier(barrier, parity);
}

inline void bulk_copy(void* shared, const void* global, uint32_t bytes, uint64_t* barrier) {
  emulation::issue_bulk_copy(shared, global, bytes, barrier);
}
inline void tensor_copy_2d(void* shared, const CUtensorMap* map, int column, int row,
                           uint64_t* barrier) {
  emulation::issue_tensor_copy(shared, map, column, row, barrier);
}
inline void fence_async_proxy() {}

template <int registers>
inline void give_registers() {
  static_assert(registers >= 24 && registers <= 256 && registers % 8 == 0);
}
template <int registers>
inline void take_registers() {
  static_assert(registers >= 24 && registers <= 256 && registers % 8 == 0);
}

inline void fence_products() {}
inline void commit_products() { emulation::commit_products(); }
template <int pending>
inline void wait_products() {
  emulation::wait_products(pending);
}
template <int count>
inline void settle(float (&)[count]) {}
inline uint64_t swizzled_matrix(const void* shared) { return emulation::describe_matrix(shared); }

template <typename T>
inline void multiply_64x64x16(float (&d)[32], uint64_t a, uint64_t b, bool add) {
  emulation::issue_product(emulation::element_of<T>(), d, a, nullptr, b, add);
}
template <typename T>
inline void multiply_64x64x16(float (&d)[32], const uint32_t (&a)[4], uint64_t b, bool add) {
  emulation::issue_product(emulation::element_of<T>(), d, 0, a, b, add);
}

}  // namespace nf::cuda::ptx
