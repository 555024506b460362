#include "cuda/tuning.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "cuda/errors.h"
#include "cuda/lane.h"

namespace nf::cuda {

namespace {

// Of steps' samples; more of them are as good as a multiple.
constexpr uint32_t kMostSamples = 256;
// Weights of so many products one after the other come from memory, not from the cache.
constexpr size_t kCopies = 4;
// What is left for others of the memory that is free.
constexpr size_t kReserve = size_t{256} << 20;

ProductKind kind_of(const Program& program, const BoundNanoOp& bound) {
  const Op& op = *bound.op;
  ProductKind kind;
  kind.out = kind.stride = op.shape.out;
  kind.in = op.shape.in;
  // Not what the lane is limited to now: that is for the thread that launches.
  const uint32_t width = cuda_lane(*bound.lane).spec().partition.num_units;
  kind.units = bound.nano.units != 0 ? std::min<uint32_t>(bound.nano.units, width) : width;
  kind.operand = program.graph().tensors[op.reads[0].tensor].dtype;
  kind.out_dtype = program.graph().tensors[op.writes].dtype;
  kind.bias = op.bias != kNone;
  kind.residual = op.reads.size() > 1;
  return kind;
}

// The rows that a nano-op will mostly have: its share of a full step, or of one half as large;
// where it has a step's rows to itself, every bucket, for then it also serves the small steps.
std::vector<uint32_t> rows_of(const Program& program, const BoundNanoOp& bound) {
  uint32_t most = bound.nano.row_end - bound.nano.row_begin;
  if (bound.op->rows == RowSpace::kSample) most = std::min(most, kMostSamples);
  const uint32_t least = program.num_lanes() > 1 ? most / 2 : 1;
  std::vector<uint32_t> rows;
  for (uint32_t count = 1; count < most; count = row_bucket(count + 1)) {
    if (count >= least) rows.push_back(count);
  }
  rows.push_back(most);
  return rows;
}

class ProductTuning {
 public:
  // On a stream of its own: steps may be launched, and captured, meanwhile.
  explicit ProductTuning(Runtime& runtime) : runtime_(runtime) {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  }
  ~ProductTuning() {
    cudaFree(memory_);
    cudaStreamDestroy(stream_);
  }
  ProductTuning(const ProductTuning&) = delete;
  ProductTuning& operator=(const ProductTuning&) = delete;

  // False: there is nothing to do, or no memory to do it in.
  bool tune(const ProductKind& kind, uint32_t rows) {
    GemmAlgorithms& algorithms = runtime_.gemm_algorithms();
    if (algorithms.is_measured(kind, rows)) return false;
    const size_t least = GemmAlgorithms::tuning_bytes(kind, rows);
    if (!reserve(least, kCopies * least)) return false;
    algorithms.tune(kind, rows, {static_cast<std::byte*>(memory_), bytes_}, stream_);
    return true;
  }

 private:
  bool reserve(size_t least, size_t wanted) {
    if (bytes_ >= wanted) return true;
    size_t free = 0;
    size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    const size_t there = free + bytes_ > kReserve ? free + bytes_ - kReserve : 0;
    if (there < least) return false;
    if (bytes_ >= std::min(wanted, there)) return true;
    cudaFree(memory_);
    memory_ = nullptr;
    bytes_ = 0;
    const size_t bytes = std::min(wanted, there);
    if (cudaMalloc(&memory_, bytes) != cudaSuccess) {
      cudaGetLastError();
      memory_ = nullptr;
      return false;
    }
    bytes_ = bytes;
    return true;
  }

  Runtime& runtime_;
  cudaStream_t stream_ = nullptr;
  void* memory_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace

void tune_products(const Program& program, Runtime& runtime) {
  ProductTuning tuning(runtime);
  bool changed = false;
  for (const BoundNanoOp& bound : program.nano_ops()) {
    if (bound.op->kind != OpKind::kGemm) continue;
    if (std::strcmp(bound.kernels[0]->name, "gemm_cublaslt") != 0) continue;
    const ProductKind kind = kind_of(program, bound);
    for (const uint32_t rows : rows_of(program, bound)) changed |= tuning.tune(kind, rows);
  }
  if (!changed || runtime.cache_folder().empty()) return;
  try {
    runtime.gemm_algorithms().save(runtime.cache_folder());
  } catch (const Error&) {
    // A folder that cannot be written costs the next start its time, and this one nothing.
  }
}

}  // namespace nf::cuda
