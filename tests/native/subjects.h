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

}  // namespace test
