// The instructions that C++ has no word for, each as one function. tests/cuda/emulation/ptx.h has
// the same functions for the host, so a kernel that uses no other assembler runs in every test.
//
// Shared-memory pointers are generic pointers here. "Warp" functions are called by all 32 lanes.
#pragma once

#include <cuda.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#if !defined(NF_CUDA_EMULATION)

namespace nf::cuda::ptx {

// 2^x to about 2 ulp; below 2^-126 it is 0.
__device__ inline float exp2_approximate(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

__device__ inline uint32_t shared_address(const void* shared) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
}

// --- sm_80: copies and warp-wide matrix products ---------------------------------------------

// Copies 16 bytes to shared memory without registers; `valid` false writes zeros instead. Complete
// after async_commit and async_wait.
__device__ inline void async_copy_16(void* shared, const void* global, bool valid = true) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)),
               "l"(global), "r"(valid ? 16 : 0)
               : "memory");
}
__device__ inline void async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Until at most `pending` of this thread's committed groups are under way.
template <int pending>
__device__ inline void async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

// Four 8x8 matrices of 16-bit elements: lane l names row l % 8 of matrix l / 8. Register i of lane
// l gets elements (l / 4, 2 * (l % 4)) and the next of matrix i; transposed: (2 * (l % 4), l / 4)
// and the one below.
__device__ inline void load_matrices(uint32_t (&registers)[4], const void* shared_row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
               : "r"(shared_address(shared_row))
               : "memory");
}
__device__ inline void load_matrices_transposed(uint32_t (&registers)[4], const void* shared_row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
               : "r"(shared_address(shared_row))
               : "memory");
}

// Transposes an 8x8 matrix of 16-bit elements that is spread over the warp as load_matrices does.
__device__ inline uint32_t transpose_matrix(uint32_t value) {
  uint32_t result;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(result) : "r"(value));
  return result;
}

// c[16, 8] += a[16, 16] * b[16, 8] in fp32, T = __nv_bfloat16 or __half. With g = lane / 4 and t =
// lane % 4:  a[0]: (g, 2t), a[1]: (g + 8, 2t), a[2]: (g, 2t + 8), a[3]: (g + 8, 2t + 8), each with
// the next column; b[0]: (2t, g), b[1]: (2t + 8, g), each with the next row; c[0], c[1]: (g, 2t),
// (g, 2t + 1); c[2], c[3]: row g + 8.
template <typename T>
__device__ inline void multiply_16x8x16(float (&c)[4], const uint32_t (&a)[4],
                                        const uint32_t (&b)[2]);
template <>
__device__ inline void multiply_16x8x16<__nv_bfloat16>(float (&c)[4], const uint32_t (&a)[4],
                                                       const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
template <>
__device__ inline void multiply_16x8x16<__half>(float (&c)[4], const uint32_t (&a)[4],
                                                const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// --- sm_90: barriers in shared memory and bulk copies that complete on them --------------------

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

// `arrivals` of threads, or of expect_bytes, complete a phase. Before others use it:
// fence_barrier_init and __syncthreads.
__device__ inline void barrier_init(uint64_t* barrier, uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(arrivals)
               : "memory");
}
__device__ inline void fence_barrier_init() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ inline void barrier_arrive(uint64_t* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier))
               : "memory");
}
// Arrives, and makes the phase wait for so many bytes of bulk copies as well.
__device__ inline void barrier_expect_bytes(uint64_t* barrier, uint32_t bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
      "r"(bytes)
      : "memory");
}
// Until the phase of this parity has completed; a fresh barrier counts as having completed parity
// 1.
__device__ inline void barrier_wait(uint64_t* barrier, uint32_t parity) {
  asm volatile(
      "{\n"
      ".reg .pred complete;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 complete, [%0], %1;\n"
      "@!complete bra again;\n"
      "}" ::"r"(shared_address(barrier)),
      "r"(parity)
      : "memory");
}

// Contiguous bytes, a multiple of 16 and aligned to 16, to shared memory.
__device__ inline void bulk_copy(void* shared, const void* global, uint32_t bytes,
                                 uint64_t* barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(shared_address(shared)),
      "l"(global), "r"(bytes), "r"(shared_address(barrier))
      : "memory");
}
// The box of a tensor map at (column, row); beyond the tensor: zeros.
__device__ inline void tensor_copy_2d(void* shared, const CUtensorMap* map, int column, int row,
                                      uint64_t* barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, "
      "%3}], [%4];" ::"r"(shared_address(shared)),
      "l"(map), "r"(column), "r"(row), "r"(shared_address(barrier))
      : "memory");
}
// Makes this thread's plain writes to shared memory visible to bulk copies and wgmma.
__device__ inline void fence_async_proxy() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
#endif

// --- sm_90a: matrix products of a warpgroup (128 threads) --------------------------------------

#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)

template <int registers>
__device__ inline void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(registers));
}
template <int registers>
__device__ inline void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(registers));
}

// Before the first product after registers were written, and after a group of products: products of
// one group run in order; wait_products<n> until at most n groups are under way.
__device__ inline void fence_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void commit_products() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int pending>
__device__ inline void wait_products() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
}

// What computes these registers stays before this point, and what uses them behind it. For the
// compiler a wait has nothing to do with the registers that it waits for.
template <int count>
__device__ inline void settle(float (&registers)[count]) {
#pragma unroll
  for (int i = 0; i < count; ++i) asm volatile("" : "+f"(registers[i])::"memory");
}

// A matrix in shared memory with the 128-byte swizzle: rows of 64 elements, groups of 8 rows 1024
// bytes apart; the first row of a group is 1024-byte aligned. K-major (rows are M or N): the next
// 16 of K are 32 bytes further. MN-major (rows are K): 16 of K are 2048 bytes.
__device__ inline uint64_t swizzled_matrix(const void* shared) {
  const uint64_t address = shared_address(shared);
  return ((address & 0x3ffff) >> 4) | uint64_t{1} << 16 | uint64_t{64} << 32 | uint64_t{1} << 62;
}

// d[64, 64] (+)= a[64, 16] * b[16, 64] in fp32, from matrices in shared memory; b is stored as [64
// of N][16 of K] (K-major). Thread w * 32 + l of the warpgroup (w: warp, l: lane) holds rows w * 16
// + l / 4 (+ 8), in d[j * 4 + q]: column j * 8 + l % 4 * 2 + q % 2, row + q / 2 * 8.
template <typename T>
__device__ void multiply_64x64x16(float (&d)[32], uint64_t a, uint64_t b, bool add);

// The same with a[64, 16] in registers, laid out as that of multiply_16x8x16 for the 16 rows of the
// warp, and b as it stands in memory as [16 of K][64 of N] (MN-major).
template <typename T>
__device__ void multiply_64x64x16(float (&d)[32], const uint32_t (&a)[4], uint64_t b, bool add);

#define NF_WGMMA_OUTPUTS                                                                         \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%" \
  "25,%26,%27,%28,%29,%30,%31}"
#define NF_WGMMA_REGISTERS(d)                                                                     \
  "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
      "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),    \
      "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]),  \
      "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),  \
      "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
#define NF_WGMMA(T, type)                                                                        \
  template <>                                                                                    \
  __device__ inline void multiply_64x64x16<T>(float(&d)[32], uint64_t a, uint64_t b, bool add) { \
    asm volatile(                                                                                \
        "{\n.reg .pred add;\nsetp.ne.b32 add, %34, 0;\n"                                         \
        "wgmma.mma_async.sync.aligned.m64n64k16.f32." type "." type " " NF_WGMMA_OUTPUTS         \
        ", %32, %33, add, 1, 1, 0, 0;\n}"                                                        \
        : NF_WGMMA_REGISTERS(d)                                                                  \
        : "l"(a), "l"(b), "r"(int{add}));                                                        \
  }                                                                                              \
  template <>                                                                                    \
  __device__ inline void multiply_64x64x16<T>(float(&d)[32], const uint32_t(&a)[4], uint64_t b,  \
                                              bool add) {                                        \
    asm volatile(                                                                                \
        "{\n.reg .pred add;\nsetp.ne.b32 add, %37, 0;\n"                                         \
        "wgmma.mma_async.sync.aligned.m64n64k16.f32." type "." type " " NF_WGMMA_OUTPUTS         \
        ", {%32,%33,%34,%35}, %36, add, 1, 1, 1;\n}"                                             \
        : NF_WGMMA_REGISTERS(d)                                                                  \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int{add}));                    \
  }
NF_WGMMA(__nv_bfloat16, "bf16")
NF_WGMMA(__half, "f16")
#undef NF_WGMMA
#undef NF_WGMMA_REGISTERS
#undef NF_WGMMA_OUTPUTS
#endif

}  // namespace nf::cuda::ptx

#endif
