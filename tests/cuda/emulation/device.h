// The emulated device, as tests set it up and break it.
//
// Streams only note their work. What runs next is chosen at random among the streams whose next
// piece may run, and work runs when the host waits or asks, when a queue grows long, and now and
// then when more is noted: a missing wait between streams gives wrong results for some seeds. The
// stream 0 does its work at once, after that of the streams it waits for. Graphs run their nodes in
// any order that their edges allow. Time is virtual: every piece of work takes as long as it likes.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace emulation {

struct DeviceSpec {
  std::string name = "Emulated H200";
  int devices = 1;
  int units = 132;  // SMs
  int major = 9, minor = 0;
  size_t memory = size_t{4} << 30;  // that cudaMalloc gives
  int driver_version = 12080;       // from 12050 on cuGreenCtxStreamCreate is there
};

// A healthy device of this kind from now on, with this order of its streams' work. What has been
// noted is finished first. Memory, streams and events that exist go on to exist.
void reset_device(const DeviceSpec& spec = {}, uint64_t seed = 1);

// The nth from now on (1: the next) fails: a kernel by an illegal address, after which every call
// fails as on a device; a wait likewise; an allocation of device memory by the lack of it.
void fail_launch(uint32_t nth);
void fail_synchronize(uint32_t nth);
void fail_allocation(uint32_t nth);

size_t device_bytes_in_use();
size_t pinned_bytes_in_use();
uint64_t kernels_run();

// SMs of the green context that the stream belongs to; of the device when to none.
int units_of(cudaStream_t stream);

}  // namespace emulation
