// Gated activations, swi_glu and ge_glu: out = act(gate) * up.
//
// A thread computes a chunk of a row; nothing is shared. Bytes of an element: 4 (8 of fp32) in, 2
// out.
#include "cuda/kernels/chunk.h"
#include "cuda/kernels/kernels.h"
#include "cuda/lane.h"
#include "cuda/launch.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kThreads = 256;

// x / (1 + e^-y). Far below zero the divisor is infinite and the result -0.
__device__ inline float gated(float x, float y) { return __fdividef(x, 1.0f + __expf(-y)); }

struct Silu {
  __device__ float operator()(float x) const { return gated(x, x); }
};

// x / 2 * (1 + tanh(y)) is x / (1 + e^-2y).
struct Gelu {
  __device__ float operator()(float x) const {
    constexpr float kTwoSqrt2OverPi = 1.5957691216057308f;
    return gated(x, kTwoSqrt2OverPi * (x + 0.044715f * x * x * x));
  }
};

template <typename Activation, typename X, typename T, uint32_t wide>
__global__ void __launch_bounds__(kThreads) gate_rows(GluArgs args) {
  const uint32_t width = args.intermediate;
  const uint32_t chunks = width / wide;  // of a row
  const uint64_t count = uint64_t{chunks} * args.rows.size();
  const uint64_t first = uint64_t{blockIdx.x} * kThreads + threadIdx.x;
  for (uint64_t i = first; i < count; i += uint64_t{gridDim.x} * kThreads) {
    const size_t row = args.rows.begin + i / chunks;
    const auto column = uint32_t(i % chunks) * wide;
    const X* x = static_cast<const X*>(args.x) + row * 2 * width + column;
    float gate[wide];
    float up[wide];
    load_chunk(x, gate);
    load_chunk(x + width, up);
    for (uint32_t k = 0; k < wide; ++k) gate[k] = Activation()(gate[k]) * up[k];
    store_chunk(static_cast<T*>(args.out) + row * width + column, gate);
  }
}

template <typename Activation, typename X, typename T>
void launch(const GluArgs& args, const CudaLane& cuda) {
  if (args.rows.empty()) return;
  const bool is_wide = args.intermediate % kWide == 0;
  const auto kernel = is_wide ? gate_rows<Activation, X, T, kWide> : gate_rows<Activation, X, T, 1>;
  const uint64_t count = uint64_t{args.intermediate / (is_wide ? kWide : 1)} * args.rows.size();
  const auto blocks = uint32_t((count + kThreads - 1) / kThreads);
  NF_LAUNCH(kernel, cuda.grid(blocks, 8), kThreads, 0, cuda.stream(), args);
}

template <typename Activation, typename T>
void gate(const GluArgs& args, const CudaLane& cuda) {
  if (args.x_dtype == DType::kF32) {
    launch<Activation, float, T>(args, cuda);
  } else {
    launch<Activation, T, T>(args, cuda);
  }
}

}  // namespace

bool swi_glu_supports(const OpShape&) { return true; }

size_t swi_glu_workspace(const OpShape&) { return 0; }

template <DType operand>
void swi_glu(const OpArgs& op, Lane& lane) {
  gate<Silu, Operand<operand>>(op.glu, cuda_lane(lane));
}

bool ge_glu_supports(const OpShape&) { return true; }

size_t ge_glu_workspace(const OpShape&) { return 0; }

template <DType operand>
void ge_glu(const OpArgs& op, Lane& lane) {
  gate<Gelu, Operand<operand>>(op.glu, cuda_lane(lane));
}

template void swi_glu<DType::kBF16>(const OpArgs&, Lane&);
template void swi_glu<DType::kF16>(const OpArgs&, Lane&);
template void ge_glu<DType::kBF16>(const OpArgs&, Lane&);
template void ge_glu<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
