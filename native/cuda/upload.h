// Weights on their way to the device: converted or copied into pinned buffers while the one before
// is on the wire.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <functional>

namespace nf::cuda {

class Upload {
 public:
  Upload();
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // Copies rows of `row_bytes` to target, in runs of as many as fit: fill(first, count, buffer)
  // writes the rows [first, first + count). Returns when fill has been called for all of them.
  using FillFn = std::function<void(size_t first, size_t count, std::byte* buffer)>;
  void rows(std::byte* target, size_t row_bytes, size_t count, const FillFn& fill);
  // Returns when everything has arrived.
  void finish();

 private:
  static constexpr size_t kBytes = size_t{16} << 20;
  struct Buffer {
    std::byte* data = nullptr;
    cudaEvent_t sent = nullptr;
  };
  Buffer& next();

  cudaStream_t stream_ = nullptr;
  std::array<Buffer, 3> buffers_;
  size_t turn_ = 0;
};

}  // namespace nf::cuda
