#include "cuda/product_timing.h"

#include <algorithm>
#include <string>

#include "core/check.h"
#include "cuda/kernels/random_operands.h"

namespace nf::cuda {
namespace {

void check(cudaError_t error) {
  NF_CHECK(error == cudaSuccess, NF_DEVICE_LOST,
           std::string("products cannot be measured: ") + cudaGetErrorString(error));
}

constexpr size_t kAlignment = 256;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Where the operands of a set lie, from its first byte.
struct SetLayout {
  SetLayout(const ProductKind& kind, uint32_t rows)
      : weight(aligned(size_t{rows} * kind.in * size_of(kind.operand))),
        out(weight + aligned(size_t{kind.out} * kind.in * size_of(kind.operand))),
        bias(out + aligned(size_t{rows} * kind.stride * size_of(kind.out_dtype))),
        residual(bias + (kind.bias ? aligned(size_t{kind.out} * sizeof(float)) : 0)),
        end(residual + (kind.residual ? aligned(size_t{rows} * kind.stride * sizeof(float)) : 0)) {}
  size_t weight;
  size_t out;
  size_t bias;
  size_t residual;
  size_t end;
};

}  // namespace

size_t ProductTiming::bytes(const ProductKind& kind, uint32_t rows) {
  return kProductWorkspace + SetLayout(kind, rows).end;
}

ProductTiming::ProductTiming(const ProductKind& kind, uint32_t rows, std::byte* memory,
                             size_t bytes, cudaStream_t stream)
    : stream_(stream) {
  const SetLayout layout(kind, rows);
  const size_t sets = std::min(kMaxSets, (bytes - kProductWorkspace) / layout.end);
  for (size_t i = 0; i < sets; ++i) {
    std::byte* set = memory + kProductWorkspace + i * layout.end;
    fill_operands(kind.operand, set, layout.out, stream);
    fill_operands(DType::kF32, set + layout.bias, layout.end - layout.bias, stream);
    sets_.push_back({set, set + layout.weight, reinterpret_cast<float*>(set + layout.bias),
                     reinterpret_cast<float*>(set + layout.residual), set + layout.out, memory});
  }
  check(cudaEventCreate(&begin_));
  check(cudaEventCreate(&end_));
}

ProductTiming::~ProductTiming() {
  cudaEventDestroy(begin_);
  cudaEventDestroy(end_);
}

int ProductTiming::fastest(LtProduct& product,
                           const std::vector<cublasLtMatmulAlgo_t>& algorithms) {
  int best = -1;
  float best_time = 0;
  for (size_t i = 0; i < algorithms.size(); ++i) {
    if (round(product, algorithms[i]) < 0) continue;  // the first one warms up
    float times[kRounds];
    for (float& time : times) time = round(product, algorithms[i]);
    std::nth_element(times, times + kRounds / 2, times + kRounds);
    if (best >= 0 && times[kRounds / 2] >= best_time) continue;
    best = int(i);
    best_time = times[kRounds / 2];
  }
  return best;
}

float ProductTiming::round(LtProduct& product, const cublasLtMatmulAlgo_t& algorithm) {
  check(cudaEventRecord(begin_, stream_));
  for (int i = 0; i < kLaunches; ++i) {
    const ProductBuffers& buffers = sets_[next_++ % sets_.size()];
    if (product.run(algorithm, buffers, stream_) != CUBLAS_STATUS_SUCCESS) return -1;
  }
  check(cudaEventRecord(end_, stream_));
  check(cudaEventSynchronize(end_));
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, begin_, end_));
  return milliseconds;
}

}  // namespace nf::cuda
