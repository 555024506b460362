// What an emulated CUtensorMap holds: a matrix in global memory and the box that copies take of it.
#pragma once

#include <cstdint>

#include "cuda.h"

namespace emulation {

struct TensorMap {
  uint64_t magic;
  const char* global;
  uint64_t columns, rows;
  uint64_t row_bytes;  // from one row to the next
  uint32_t element_bytes;
  uint32_t box_columns, box_rows;
  bool swizzled;  // CU_TENSOR_MAP_SWIZZLE_128B

  uint32_t box_bytes() const { return box_rows * box_columns * element_bytes; }
};
static_assert(sizeof(TensorMap) <= sizeof(CUtensorMap));

// Fails the kernel when the map was not made by cuTensorMapEncodeTiled.
TensorMap decode(const CUtensorMap* map);

// The place of a byte of a matrix with the 128-byte swizzle: the 16-byte chunks of a row of 128
// bytes are permuted by the row's place in its group of eight. A function of the address alone.
inline char* swizzled(char* address) {
  const uintptr_t bits = reinterpret_cast<uintptr_t>(address);
  return reinterpret_cast<char*>(bits ^ ((bits >> 7 & 7) << 4));
}

}  // namespace emulation
