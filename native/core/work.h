// What an op costs a device that has no overheads: the FLOPs and bytes that searches and roofs are
// computed from.
//
// Most kinds need no case of their own: their bytes are the widths of what they read and write. A
// kind has one where it multiplies by a matrix, attends, or reads only a part of its weight.
#pragma once

#include "graph.h"
#include "model_memory.h"

namespace nf {

struct OpWork {
  double row_flops = 0;      // of a row; a multiply-add is two
  double row_bytes = 0;      // activations that a row reads and writes
  double weight_bytes = 0;   // read once a launch: mean of the layers, as packed, of all experts
  double context_flops = 0;  // of a row and one token that it attends
  double context_bytes = 0;  // the keys and values of that token, before rows share them
};

// The weights of the memory must be allocated: their sections say how they are packed.
OpWork work_of(const Graph& graph, const Op& op, const ModelMemory& memory);

}  // namespace nf
