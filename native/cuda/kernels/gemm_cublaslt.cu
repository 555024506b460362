// GEMM by cuBLASLt. What it has no epilogue for, or no algorithm, is left to our own kernel.
#include "core/check.h"
#include "cuda/alignment.h"
#include "cuda/gemm_algorithms.h"
#include "cuda/kernels/kernels.h"
#include "cuda/lane.h"
#include "cuda/launch.h"
#include "cuda/operand.h"
#include "cuda/runtime.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kCapThreads = 256;
constexpr size_t kWorkspaceAlignment = 256;
constexpr size_t kOperandAlignment = 16;

struct CapRows {
  float* out;
  uint32_t rows;
  uint32_t columns;
  uint32_t stride;
  float cap;
};

__global__ void cap_kernel(CapRows args) {
  const uint32_t step = gridDim.x * blockDim.x;
  for (uint32_t row = blockIdx.y; row < args.rows; row += gridDim.y) {
    float* out = args.out + size_t{row} * args.stride;
    for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < args.columns; i += step) {
      out[i] = args.cap * tanhf(out[i] / args.cap);
    }
  }
}

void cap(const GemmArgs& args, float* out, CudaLane& lane) {
  const CapRows work{out, args.rows.size(), args.weight.out, args.stride(), args.softcap};
  const uint32_t wide = num_parts(work.columns, kCapThreads);
  const uint32_t blocks = lane.grid(wide * work.rows, 2048 / kCapThreads);
  const uint32_t high = blocks < work.rows ? blocks : work.rows;
  NF_LAUNCH(cap_kernel, dim3(num_parts(blocks, high), high), kCapThreads, 0, lane.stream(), work);
}

// Whether cuBLASLt has words for it: it adds a bias only to what it writes in fp32, a cap follows
// only there without a second rounding, and algorithms are asked for operands that are aligned.
bool can_describe(const GemmArgs& args) {
  const bool plain = args.bias == nullptr && args.residual == nullptr && args.softcap == 0;
  return (plain || args.out_dtype == DType::kF32) && is_aligned(args.a, kOperandAlignment) &&
         is_aligned(args.weight.data, kOperandAlignment) &&
         is_aligned(args.out, kOperandAlignment) && is_aligned(args.residual, kOperandAlignment);
}

std::byte* aligned_scratch(CudaLane& lane) {
  const auto address = reinterpret_cast<uintptr_t>(lane.scratch(0));
  return lane.scratch(0) +
         (kWorkspaceAlignment - address % kWorkspaceAlignment) % kWorkspaceAlignment;
}

}  // namespace

bool gemm_cublaslt_supports(const OpShape& shape) {
  return shape.out > 0 && shape.in > 0 && shape.in % 8 == 0;
}

size_t gemm_cublaslt_workspace(const OpShape&) { return kProductWorkspace + kWorkspaceAlignment; }

template <DType operand>
void gemm_cublaslt(const OpArgs& op, Lane& lane) {
  const GemmArgs& args = op.gemm;
  if (args.rows.empty()) return;
  if (!can_describe(args)) return gemm_mma<operand>(op, lane);
  CudaLane& cuda = cuda_lane(lane);
  const size_t first = args.rows.begin;
  const size_t first_out = first * args.stride();
  const ProductKind kind{
      args.weight.out, args.weight.in, args.stride(),        cuda.units(),
      operand,         args.out_dtype, args.bias != nullptr, args.residual != nullptr};
  std::byte* out = static_cast<std::byte*>(args.out) + first_out * size_of(args.out_dtype);
  const ProductBuffers buffers{
      static_cast<const std::byte*>(args.a) + first * args.weight.in * size_of(operand),
      args.weight.data,
      args.bias,
      args.residual == nullptr ? nullptr : args.residual + first_out,
      out,
      aligned_scratch(cuda)};
  if (!cuda.runtime().gemm_algorithms().multiply(kind, args.rows.size(), buffers, cuda.stream())) {
    return gemm_mma<operand>(op, lane);
  }
  if (args.softcap > 0) cap(args, reinterpret_cast<float*>(out), cuda);
}

template void gemm_cublaslt<DType::kBF16>(const OpArgs&, Lane&);
template void gemm_cublaslt<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
