// Where activations live. Tensors of equal row size may share bytes row by row.
//
// Idea: bytes are shared per row, never per range. Tensor B may take over the row of tensor A when,
// for one and the same row, every op that touches A is an ancestor of the op that writes B. That is
// a fact of the graph, so one placement serves every plan. Each tensor has one copy per layer
// parity, because two consecutive layers may overlap. Counting and placing are the same code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph.h"

namespace nf {

struct ArenaSlot {
  size_t row_bytes;
  RowSpace space;
  size_t offset[2];  // by layer parity, in bytes from the arena's base
};

struct ArenaLayout {
  std::vector<ArenaSlot> slots;
  std::vector<uint16_t> tensor_slot;  // by TensorId; kNone: not in the arena
  size_t total_bytes = 0;

  // Bytes from the arena's base to row 0 of `tensor` as seen by an op of `layer`. The prologue
  // counts as layer 0, the epilogue as the last layer. The carry leaves a layer in the copy in
  // which the next one reads it.
  size_t offset(const Graph& graph, TensorId tensor, uint32_t layer) const;
};

ArenaLayout place_arena(const Graph& graph, uint32_t max_rows, uint32_t max_samples);

}  // namespace nf
