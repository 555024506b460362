// The weightless model: the next token is the last one plus one. A thread is a sample.
#include "core/sampling.h"
#include "cuda/kernels/kernels.h"
#include "cuda/lane.h"
#include "cuda/launch.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kThreads = 64;

__global__ void __launch_bounds__(kThreads) echo_samples(EchoArgs args, Batch batch) {
  for (uint32_t index = args.rows.begin + blockIdx.x * kThreads + threadIdx.x;
       index < args.rows.end; index += gridDim.x * kThreads) {
    const uint32_t row = batch.sample_row[index];
    const auto next = int32_t((uint32_t(resolve_token(batch, row)) + 1) % args.vocab);
    SampleOutput output(batch, index);
    const nf_sampling& sampling = batch.sampling[index];
    const int32_t token = is_scored(sampling) ? int32_t(sampling.target) : next;
    output.set_token(token, token == next ? 0.0f : kBanned);
    output.set_alternative(0, next, 0.0f);
  }
}

}  // namespace

bool echo_supports(const OpShape&) { return true; }

size_t echo_workspace(const OpShape&) { return 0; }

template <DType operand>
void echo(const OpArgs& op, Lane& lane) {
  const EchoArgs& args = op.echo;
  if (args.rows.empty()) return;
  const CudaLane& cuda = cuda_lane(lane);
  const uint32_t blocks = (args.rows.size() + kThreads - 1) / kThreads;
  NF_LAUNCH(echo_samples, cuda.grid(blocks, 8), kThreads, 0, cuda.stream(), args, *args.batch);
}

template void echo<DType::kBF16>(const OpArgs&, Lane&);
template void echo<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
