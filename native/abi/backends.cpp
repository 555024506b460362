#include "abi/backends.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "core/check.h"
#if defined(NF_WITH_CUDA)
#include "cuda/open.h"
#endif
#include "cpu/backend.h"
#include "platform/os.h"
#include "reference/backend.h"

namespace nf {

namespace {

// NANOFLOW_CPU_ISA forces an instruction set, to compare them or to rule one out.
cpu::IsaChoice choose_isa() {
  const char* forced = std::getenv("NANOFLOW_CPU_ISA");
  if (forced == nullptr || *forced == '\0') return cpu::detect_isa();
  const auto isa = cpu::parse_isa(forced);
  NF_CHECK(isa.has_value(), NF_INVALID_ARGUMENT,
           std::string("NANOFLOW_CPU_ISA=") + forced +
               " is not one of scalar, avx2, avx512, avx512bf16");
  NF_CHECK(cpu::isa_available(*isa), NF_UNSUPPORTED,
           std::string("NANOFLOW_CPU_ISA=") + forced + " is not available on this processor");
  return {*isa, "forced by NANOFLOW_CPU_ISA"};
}

std::unique_ptr<Backend> open_cpu(const nf_engine_options& options) {
  uint32_t num_threads = options.num_threads;
  constexpr uint32_t kMaxThreads = 255;  // a lane's width is kept in 8 bits
  NF_CHECK(num_threads <= kMaxThreads, NF_INVALID_ARGUMENT,
           "num_threads must be at most " + std::to_string(kMaxThreads));
  if (num_threads == 0) num_threads = std::min(available_units(), kMaxThreads);
  return std::make_unique<cpu::CpuBackend>(num_threads, choose_isa());
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
