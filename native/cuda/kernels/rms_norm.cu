// RMS norm of rows of the residual stream, for the next product or added to a residual.
//
// A block is a row. It reads x twice, the second time from cache: 4 H bytes in, 2 H out.
#include "cuda/kernels/chunk.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.h"
#include "cuda/lane.h"
#include "cuda/launch.h"

namespace nf::cuda {
namespace {

template <typename T, uint32_t wide>
__global__ void norm_rows(RmsNormArgs args) {
  __shared__ float partial[kMaxWarps];
  const uint32_t hidden = args.hidden;
  for (uint32_t row = args.rows.begin + blockIdx.x; row < args.rows.end; row += gridDim.x) {
    const uint32_t source = args.gather != nullptr ? args.gather[row] : row;
    const float* x = args.x + size_t{source} * hidden;
    float sum = 0;
    for (uint32_t i = threadIdx.x * wide; i < hidden; i += blockDim.x * wide) {
      float chunk[wide];
      load_chunk(x + i, chunk);
      for (const float value : chunk) sum += value * value;
    }
    sum = reduce_block<Sum>(sum, partial);
    const float scale = 1.0f / sqrtf(sum / float(hidden) + args.epsilon);
    const size_t begin = size_t{row} * hidden;
    for (uint32_t i = threadIdx.x * wide; i < hidden; i += blockDim.x * wide) {
      float chunk[wide];
      float weight[wide];
      load_chunk(x + i, chunk);
      load_chunk(args.weight + i, weight);
      for (uint32_t k = 0; k < wide; ++k) chunk[k] *= scale * weight[k];
      if (args.residual != nullptr) {
        float residual[wide];
        load_chunk(args.residual + begin + i, residual);
        for (uint32_t k = 0; k < wide; ++k) chunk[k] += residual[k];
      }
      store_chunk(static_cast<T*>(args.out) + begin + i, chunk);
    }
  }
}

template <typename T>
void launch(const RmsNormArgs& args, const CudaLane& cuda) {
  const auto kernel = args.hidden % kWide == 0 ? norm_rows<T, kWide> : norm_rows<T, 1>;
  NF_LAUNCH(kernel, cuda.grid(args.rows.size(), 4), row_threads(args.hidden), 0, cuda.stream(),
            args);
}

}  // namespace

bool rms_norm_supports(const OpShape&) { return true; }

size_t rms_norm_workspace(const OpShape&) { return 0; }

template <DType operand>
void rms_norm(const OpArgs& op, Lane& lane) {
  const RmsNormArgs& args = op.rms_norm;
  if (args.rows.empty()) return;
  if (args.residual != nullptr) {
    launch<float>(args, cuda_lane(lane));
  } else {
    launch<Operand<operand>>(args, cuda_lane(lane));
  }
}

template void rms_norm<DType::kBF16>(const OpArgs&, Lane&);
template void rms_norm<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
