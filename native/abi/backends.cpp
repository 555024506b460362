#include "abi/backends.h"

#include <string>

#include "core/check.h"
#if defined(NF_WITH_CUDA)
#include "cuda/open.h"
#endif
#include "cpu/backend.h"
#include "reference/backend.h"

namespace nf {

namespace {

std::unique_ptr<Backend> open_cpu(const nf_engine_options& options) {
  return std::make_unique<cpu::CpuBackend>(cpu::choose_threads(options.num_threads),
                                           cpu::choose_isa(nullptr));
}

std::unique_ptr<Backend> open_reference(const nf_engine_options&) {
  return std::make_unique<reference::ReferenceBackend>();
}

#if defined(NF_WITH_CUDA)
constexpr auto open_cuda = cuda::open_backend;
#else
std::unique_ptr<Backend> open_cuda(const nf_engine_options&) {
#if defined(_WIN32)
  throw Error(NF_UNSUPPORTED,
              "CUDA: the Windows build runs on the CPU only; take the linux-x64-cuda build, in WSL "
              "too");
#else
  throw Error(NF_UNSUPPORTED,
              "CUDA: this is the build for the CPU; take the linux-x64-cuda build, or configure "
              "with -DNF_CUDA=on where nvcc is");
#endif
}
#endif

struct BackendRow {
  nf_device_kind kind;
  std::unique_ptr<Backend> (*open)(const nf_engine_options& options);
};

constexpr BackendRow kBackends[] = {
    {NF_DEVICE_REFERENCE, open_reference},
    {NF_DEVICE_CPU, open_cpu},
    {NF_DEVICE_CUDA, open_cuda},
};

}  // namespace

std::unique_ptr<Backend> open_backend(const nf_engine_options& options) {
  for (const BackendRow& row : kBackends) {
    if (row.kind == static_cast<nf_device_kind>(options.device_kind)) return row.open(options);
  }
  throw Error(NF_UNSUPPORTED,
              "device kind " + std::to_string(options.device_kind) + " is not in this build");
}

nf_device_info probe_device(uint32_t device_kind, uint32_t device_index) {
  nf_engine_options options{};
  options.device_kind = device_kind;
  options.device_index = device_index;
  return open_backend(options)->info();
}

}  // namespace nf
