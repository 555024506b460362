// What everything on one CUDA device shares: its facts, the clock, the stream on which steps begin
// and end, and the failure that ends all work.
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <mutex>
#include <string>

#include "cuda/clock.h"
#include "cuda/device.h"
#include "cuda/gemm_algorithms.h"

namespace nf::cuda {

struct RuntimeOptions {
  uint32_t device_index = 0;
  bool batch_invariant = false;
  std::string cache_folder;  // empty: nothing is kept
};

class Runtime {
 public:
  // Throws NF_UNSUPPORTED where the device or cuBLASLt is missing.
  explicit Runtime(const RuntimeOptions& options);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const DeviceFacts& device() const { return device_; }
  cudaStream_t stream() const { return stream_; }
  DeviceClock& clock() { return *clock_; }
  GemmAlgorithms& gemm_algorithms() { return *gemm_algorithms_; }
  const std::string& cache_folder() const { return options_.cache_folder; }

  // Makes the device current for the calling thread.
  void use() const;

  // The first failure stays.
  void fail(const std::string& message);
  std::string failure() const;

 private:
  RuntimeOptions options_;
  DeviceFacts device_;
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<DeviceClock> clock_;
  std::unique_ptr<GemmAlgorithms> gemm_algorithms_;
  mutable std::mutex mutex_;
  std::string failure_;
};

}  // namespace nf::cuda
