#include "cuda/runtime.h"

#include "cuda/errors.h"

namespace nf::cuda {

Runtime::Runtime(const RuntimeOptions& options)
    : options_(options), device_(open_device(options.device_index)) {
  gemm_algorithms_ = std::make_unique<GemmAlgorithms>(
      device_.name, static_cast<uint32_t>(10 * device_.major + device_.minor), device_.num_units,
      options.batch_invariant);
  if (!options_.cache_folder.empty()) gemm_algorithms_->load(options_.cache_folder);
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  clock_ = std::make_unique<DeviceClock>(stream_);
}

Runtime::~Runtime() {
  clock_.reset();
  gemm_algorithms_.reset();
  if (stream_ != nullptr) cudaStreamDestroy(stream_);
}

void Runtime::use() const { check(cudaSetDevice(device_.index), "cudaSetDevice"); }

void Runtime::fail(const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (failure_.empty()) failure_ = message;
}

std::string Runtime::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace nf::cuda
