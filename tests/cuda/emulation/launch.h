// Launches for the host: stands in for <<<>>> and for dynamic shared memory (cuda/launch.h).
#pragma once

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cuda_runtime.h"
#include "emulation/block.h"

#define NF_LAUNCH(kernel, grid, block, shared_bytes, stream, ...)       \
  ::emulation::launch(#kernel, kernel, (grid), (block), (shared_bytes), \
                      (stream)__VA_OPT__(, ) __VA_ARGS__)

#define NF_DYNAMIC_SHARED(T, name) \
  T* name = reinterpret_cast<T*>(::emulation::Block::current().dynamic_shared())

namespace emulation {

// Checks the launch and puts it on the stream.
void submit(cudaStream_t stream, std::shared_ptr<const KernelCall> call);

// Arguments are converted and copied when the kernel is launched, as on a device.
template <typename... Parameters>
struct CallOf final : KernelCall {
  template <typename... Arguments>
  explicit CallOf(void (*kernel_entry)(Parameters...), Arguments&&... values)
      : kernel(kernel_entry), arguments(std::forward<Arguments>(values)...) {}
  void run_thread() const override { std::apply(kernel, arguments); }

  void (*kernel)(Parameters...);
  std::tuple<Parameters...> arguments;
};

template <typename... Parameters, typename... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block,
            size_t shared_bytes, cudaStream_t stream, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments), "arguments of the kernel");
  static_assert((!std::is_reference_v<Parameters> && ...), "a kernel takes no references");
  static_assert((std::is_convertible_v<Arguments, Parameters> && ...), "arguments of the kernel");
  static_assert((std::is_trivially_copyable_v<Parameters> && ...), "arguments are copied bytewise");
  auto call = std::make_shared<CallOf<Parameters...>>(
      kernel, static_cast<Parameters>(std::forward<Arguments>(arguments))...);
  call->name = name;
  call->entry = reinterpret_cast<const void*>(kernel);
  call->grid = grid;
  call->block = block;
  call->shared_bytes = shared_bytes;
  submit(stream, std::move(call));
}

}  // namespace emulation
