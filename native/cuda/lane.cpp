#include "cuda/lane.h"

#include <string>

#include "cuda/errors.h"
#include "cuda/runtime.h"

namespace nf::cuda {

CudaLane::CudaLane(Runtime& runtime, const LaneSpec& spec)
    : runtime_(runtime), spec_(spec), width_(spec.partition.num_units) {
  open_stream();
  const cudaError_t error = cudaMalloc(&scratch_, std::max<size_t>(spec.scratch_bytes, 1));
  if (error == cudaSuccess) return;
  cudaGetLastError();
  cudaStreamDestroy(stream_);
  throw Error(NF_OUT_OF_MEMORY,
              "no device memory for the scratch of a lane: " + std::to_string(spec.scratch_bytes) +
                  " bytes; lower --gpu-memory-utilization");
}

CudaLane::~CudaLane() {
  cudaStreamSynchronize(stream_);
  cudaStreamDestroy(stream_);
  cudaFree(scratch_);
}

// On a shared device the blocks of a lane with few units come first: a small kernel must not wait
// until a grid that floods the device has been dealt out.
void CudaLane::open_stream() {
  const nf_partition& partition = spec_.partition;
  const DeviceFacts& device = runtime_.device();
  const bool whole = partition.num_units == device.num_units;
  if (partition.kind == NF_PARTITION_DISJOINT && !whole) {
    partition_ =
        std::make_unique<GreenPartition>(device.index, partition.first_unit, partition.num_units);
    stream_ = partition_->create_stream();
    return;
  }
  int lowest = 0;
  int highest = 0;
  check(cudaDeviceGetStreamPriorityRange(&lowest, &highest), "cudaDeviceGetStreamPriorityRange");
  check(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, whole ? lowest : highest),
        "cudaStreamCreateWithPriority");
}

void CudaLane::stamp(uint64_t* ns) { runtime_.clock().stamp(stream_, ns); }

void CudaLane::drain() {
  check(cudaStreamSynchronize(stream_), "waiting for a lane");
  runtime_.clock().resolve();
}

}  // namespace nf::cuda
