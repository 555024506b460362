// A plan bound to a backend: kernels, lanes, and the minimal waits between them.
//
// Lowering unrolls the layers, derives which nano-ops need which (graph.h: row spaces and reaches),
// and keeps a wait only if neither lane order nor an earlier wait implies it (vector clocks, one
// entry a lane). The layer segment is lowered once: waits are relative to a layer, with one list
// for layer 0, one for layer 1 and one for all later layers, where the pattern has become periodic.
//
// Ticks count the instances of segments through a step: 0 the prologue, 1 + l layer l, L + 1 the
// epilogue.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "backend.h"
#include "block_formats.h"
#include "graph.h"
#include "model_memory.h"
#include "plan.h"

namespace nf {

// Wait until nano-op `source` has finished (or started) in the segment instance `ticks_back`
// before.
struct Wait {
  uint16_t source;
  uint8_t ticks_back;
  uint8_t on_start;
  bool operator==(const Wait&) const = default;
};

constexpr size_t kWaitVariants =
    3;  // layer 0, layer 1, later layers; prologue and epilogue use [0]

struct BoundNanoOp {
  const Op* op;
  nf_nano_op nano;
  // By weight_format_index: of the formats that occur in the op's weight, null for the others. Ops
  // that are no GEMM have the plain one.
  std::array<const Kernel*, kNumWeightFormats> kernels;
  Lane* lane;
  std::vector<Wait> waits[kWaitVariants];
  bool signals_finish = false;  // somebody on another lane waits for it
  bool signals_start = false;
};

// The index-th kernel of the table that can run the op on weights of a format, or null.
const Kernel* find_kernel(std::span<const Kernel> table, const Op& op, DType format,
                          uint32_t index);

// How many kernels a plan may choose from: as many as there are for each format in its weight.
uint32_t count_kernels(std::span<const Kernel> table, const Op& op, const ModelMemory& memory);

class Program {
 public:
  Program(const Graph& graph, const ModelMemory& memory, Plan plan, Backend& backend);

  // Of all programs of the process, this one's number.
  uint64_t serial() const { return serial_; }
  const Graph& graph() const { return graph_; }
  const ModelMemory& memory() const { return memory_; }
  const Plan& plan() const { return plan_; }
  uint32_t num_lanes() const { return static_cast<uint32_t>(lanes_.size()); }
  Lane& lane(uint32_t index) const { return *lanes_[index]; }
  uint32_t num_ticks() const { return graph_.dims.num_layers + 2; }

  // In issue order; [first(segment), last(segment)) are the nano-ops of a segment.
  const std::vector<BoundNanoOp>& nano_ops() const { return nano_ops_; }
  uint32_t first(nf_segment segment) const { return segment_begin_[segment]; }
  uint32_t last(nf_segment segment) const { return segment_begin_[segment + 1]; }

  // Reach the tick at which the nano-op has finished or started, over all steps (see executor.h).
  Signals& signals() const { return *signals_; }
  static uint32_t finish_signal(uint32_t nano_op) { return 2 * nano_op; }
  static uint32_t start_signal(uint32_t nano_op) { return 2 * nano_op + 1; }

  // Rows of a nano-op in a step of `count` rows: its share, rounded to the device's row tile.
  // Monotone, so that ranges that are disjoint in the plan stay disjoint and ranges that touch keep
  // touching.
  RowRange scale(const BoundNanoOp& bound, uint32_t count) const;

  // The waits, for the tests that remove one. Never called by the product.
  std::vector<BoundNanoOp>& mutable_nano_ops() { return nano_ops_; }

 private:
  void bind_kernels(Backend& backend);
  void open_lanes(Backend& backend);
  uint32_t scale_row(uint32_t row, uint32_t count, uint32_t tile) const;

  const uint64_t serial_;
  const Graph& graph_;
  const ModelMemory& memory_;
  Plan plan_;
  uint32_t row_tile_;
  std::vector<std::shared_ptr<Lane>> lanes_;
  std::vector<BoundNanoOp> nano_ops_;
  uint32_t segment_begin_[4] = {0, 0, 0, 0};
  std::unique_ptr<Signals> signals_;
};

}  // namespace nf
