// A hard split: a green context on SMs of its own, and a stream in it.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace nf::cuda {

class GreenPartition {
 public:
  // SMs [first_unit, first_unit + num_units) of the device. Throws NF_INVALID_PLAN naming the
  // counts that the device can split into, NF_UNSUPPORTED where it cannot.
  GreenPartition(int device, uint32_t first_unit, uint32_t num_units);
  ~GreenPartition();
  GreenPartition(const GreenPartition&) = delete;
  GreenPartition& operator=(const GreenPartition&) = delete;

  cudaStream_t create_stream() const;

 private:
  CUgreenCtx context_ = nullptr;
};

// Do streams of a part of the device work, and can they wait for events as other streams do? Tried
// once when a device is opened, so that no plan finds out.
bool hard_split_works(int device, uint32_t num_units);

}  // namespace nf::cuda
