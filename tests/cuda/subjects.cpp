// The subjects of the CUDA tests: the kernels with bf16 and with fp16 operands, run by the
// emulation, and the layouts they read.
#include "subjects.h"

#include <algorithm>

#include "case_lane.h"
#include "cuda/device.h"
#include "cuda/kernel_table.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kv_page.h"
#include "cuda/pack.h"

namespace test {
namespace {

using nf::DType;

// All kernels that the device runs: its table, and what only smaller devices use.
template <DType operand>
std::span<const nf::Kernel> kernels() {
  static const std::vector<nf::Kernel> all = [] {
    const nf::cuda::DeviceFacts device = nf::cuda::open_device(0);
    const auto own = nf::cuda::kernel_table(device, operand);
    std::vector<nf::Kernel> kernels(own.begin(), own.end());
    nf::cuda::DeviceFacts ampere = device;
    ampere.major = 8;
    for (const nf::Kernel& kernel : nf::cuda::kernel_table(ampere, operand)) {
      const bool known = std::any_of(own.begin(), own.end(), [&](const nf::Kernel& other) {
        return other.launch == kernel.launch;
      });
      if (!known) kernels.push_back(kernel);
    }
    return kernels;
  }();
  return all;
}

size_t matrix_bytes(uint32_t out, uint32_t in, DType) { return nf::cuda::matrix_bytes(out, in); }

template <DType operand>
void pack_matrix(const nf::Backend::PackSpec& spec, const void* source, std::byte* packed) {
  for (uint32_t row = 0; row < spec.rows; ++row) {
    std::byte* out = packed + spec.target_row(row) * nf::cuda::matrix_bytes(1, spec.in);
    nf::cuda::convert_row(spec, source, row, operand, out);
  }
}

size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim) {
  return nf::cuda::KvPage{page_tokens, kv_heads, head_dim}.bytes();
}

template <DType operand>
Subject subject(const char* name) {
  return {name,          kernels<operand>(),
          operand,       nf::reference::packed_format,
          matrix_bytes,  pack_matrix<operand>,
          kv_page_bytes, open_cuda_lane,
          operand,       true};
}

}  // namespace

std::vector<Subject> subjects() {
  return {subject<DType::kBF16>("cuda bf16"), subject<DType::kF16>("cuda fp16")};
}

Sampler tested_sampler() {
  return {"cuda", nf::cuda::sample<DType::kBF16>, nf::cuda::sample_workspace, open_cuda_lane, 40};
}

}  // namespace test
