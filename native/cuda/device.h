// Which CUDA device there is, and whether this build can use it.
#pragma once

#include <cstdint>
#include <string>

namespace nf::cuda {

struct DeviceFacts {
  int index = 0;
  uint32_t num_units = 0;  // SMs
  int major = 0;           // compute capability
  int minor = 0;
  uint32_t unit_step = 1;  // a hard split takes SMs in multiples of this
  uint64_t memory_total = 0;
  uint64_t memory_free = 0;
  size_t shared_bytes = 0;  // of an SM
  std::string name;         // e.g. "NVIDIA H200"
  int driver_version = 0;   // 12080: 12.8

  bool is_hopper() const { return major == 9; }  // what sm_90a code runs on
  // "sm_90a": the instruction set whose kernels run.
  std::string isa() const;
};

// Makes the device current for the calling thread. Throws NF_UNSUPPORTED with the reason and what
// to do: no driver, too old a driver, no such device, or one that no kernel was compiled for.
DeviceFacts open_device(uint32_t index);

// "12.8" of 12080.
std::string version_text(int version);

}  // namespace nf::cuda
