#include "cuda/upload.h"

#include <algorithm>
#include <cstring>

#include "cuda/errors.h"

namespace nf::cuda {

Upload::Upload() {
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  for (Buffer& buffer : buffers_) {
    void* data = nullptr;
    check(cudaHostAlloc(&data, kBytes, cudaHostAllocDefault), "pinned memory for weights");
    buffer.data = static_cast<std::byte*>(data);
    check(cudaEventCreateWithFlags(&buffer.sent, cudaEventDisableTiming), "cudaEventCreate");
  }
}

Upload::~Upload() {
  cudaStreamSynchronize(stream_);
  for (const Buffer& buffer : buffers_) {
    cudaEventDestroy(buffer.sent);
    cudaFreeHost(buffer.data);
  }
  cudaStreamDestroy(stream_);
}

Upload::Buffer& Upload::next() {
  Buffer& buffer = buffers_[turn_++ % buffers_.size()];
  check(cudaEventSynchronize(buffer.sent), "copying weights");  // complete at once if never sent
  return buffer;
}

void Upload::rows(std::byte* target, size_t row_bytes, size_t count, const FillFn& fill) {
  NF_CHECK(row_bytes <= kBytes, NF_UNSUPPORTED, "a weight has rows of more than 16 MiB");
  const size_t most = kBytes / std::max<size_t>(row_bytes, 1);
  for (size_t first = 0; first < count; first += most) {
    const size_t run = std::min(most, count - first);
    Buffer& buffer = next();
    fill(first, run, buffer.data);
    check(cudaMemcpyAsync(target + first * row_bytes, buffer.data, run * row_bytes,
                          cudaMemcpyHostToDevice, stream_),
          "copying weights");
    check(cudaEventRecord(buffer.sent, stream_), "cudaEventRecord");
  }
}

void Upload::finish() { check(cudaStreamSynchronize(stream_), "copying weights"); }

}  // namespace nf::cuda
