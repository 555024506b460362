// Whose kernels a test program holds against the reference.
#pragma once

#include <vector>

#include "kernel_cases.h"
#include "reference/kernel_table.h"
#include "reference/pack.h"

namespace test {

inline Subject reference() {
  return {"reference",
          nf::reference::kernel_table(),
          nf::DType::kF32,
          nf::reference::packed_format,
          nf::reference::matrix_bytes,
          nf::reference::pack_matrix,
          nf::reference::kv_page_bytes};
}

// Each test program has its own.
std::vector<Subject> subjects();

struct Sampler {
  const char* name;
  void (*launch)(const nf::OpArgs& args, nf::Lane& lane);
  size_t (*workspace)(const nf::OpShape& shape);
  OpenLane open_lane = open_serial_lane;
  uint32_t slowness = 1;  // tests draw so many times less with it
};

// Likewise: what it holds against the reference.
Sampler tested_sampler();

}  // namespace test
