#include "program.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "check.h"
#include "lower.h"

namespace nf {

namespace {

uint64_t next_serial() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

// The formats in which an op reads its weight, each once: a GEMM has a kernel for each.
std::vector<DType> weight_formats(const Op& op, const ModelMemory& memory) {
  if (!is_gemm(op.kind)) return {DType::kPlain};
  std::vector<DType> formats;
  for (const std::vector<WeightSection>& sections : memory.weights[op.weight]) {
    for (const WeightSection& section : sections) {
      if (std::find(formats.begin(), formats.end(), section.view.format) == formats.end()) {
        formats.push_back(section.view.format);
      }
    }
  }
  return formats;
}

}  // namespace

Program::Program(const Graph& graph, const ModelMemory& memory, Plan plan, Backend& backend)
    : serial_(next_serial()),
      graph_(graph),
      memory_(memory),
      plan_(std::move(plan)),
      row_tile_(backend.info().row_tile) {
  validate_plan(plan_, graph_, backend.info());
  bind_kernels(backend);
  open_lanes(backend);
  lower_waits(graph_, plan_, nano_ops_);
  signals_ = backend.make_signals(2 * static_cast<uint32_t>(nano_ops_.size()));
  backend.prepare(*this);
}

void Program::bind_kernels(Backend& backend) {
  for (const nf_nano_op& nano : plan_.nano_ops) {
    const Op& op = graph_.ops(static_cast<nf_segment>(nano.segment))[nano.op];
    BoundNanoOp bound;
    bound.op = &op;
    bound.nano = nano;
    bound.kernels = {};
    bound.lane = nullptr;
    for (const DType format : weight_formats(op, memory_)) {
      const Kernel* kernel = find_kernel(backend.kernels(), op, format, nano.kernel);
      NF_CHECK(kernel != nullptr, NF_INVALID_PLAN,
               "op " + op.name + " has no kernel " + std::to_string(nano.kernel) +
                   " on this device" + (is_block_format(format) ? " for weights in " : "") +
                   (is_block_format(format) ? block_format(format).name : ""));
      bound.kernels[weight_format_index(format)] = kernel;
    }
    nano_ops_.push_back(std::move(bound));
    for (int next = nano.segment + 1; next < 4; ++next) {
      segment_begin_[next] = static_cast<uint32_t>(nano_ops_.size());
    }
  }
}

void Program::open_lanes(Backend& backend) {
  // Of every kernel that could run an op of this graph, so that all programs share their lanes.
  size_t scratch_bytes = 0;
  for (const auto& ops : graph_.segments) {
    for (const Op& op : ops) {
      for (const Kernel& kernel : backend.kernels()) {
        if (kernel.kind != op.kind || !kernel.supports(op.shape)) continue;
        scratch_bytes = std::max(scratch_bytes, kernel.workspace(op.shape));
      }
    }
  }
  std::vector<uint16_t> lanes_of_partition(plan_.partitions.size(), 0);
  for (const nf_lane& lane : plan_.lanes) {
    LaneSpec spec;
    spec.partition = plan_.partitions[lane.partition];
    spec.index = lanes_of_partition[lane.partition]++;
    spec.scratch_bytes = scratch_bytes;
    // Two partitions of the same shape are told apart by the index as well.
    for (uint16_t other = 0; other < lane.partition; ++other) {
      const nf_partition& same = plan_.partitions[other];
      if (same.kind == spec.partition.kind && same.first_unit == spec.partition.first_unit &&
          same.num_units == spec.partition.num_units) {
        spec.index = static_cast<uint16_t>(spec.index + NF_MAX_LANES);
      }
    }
    lanes_.push_back(backend.open_lane(spec));
  }
  for (BoundNanoOp& bound : nano_ops_) bound.lane = lanes_[bound.nano.lane].get();
}

uint32_t Program::scale_row(uint32_t row, uint32_t count, uint32_t tile) const {
  if (row >= plan_.step_rows) return count;
  if (count == plan_.step_rows) return row;
  const uint64_t exact = uint64_t{row} * count / plan_.step_rows;
  return static_cast<uint32_t>(std::min<uint64_t>(count, (exact + tile / 2) / tile * tile));
}

RowRange Program::scale(const BoundNanoOp& bound, uint32_t count) const {
  const uint32_t tile = bound.op->rows == RowSpace::kToken ? row_tile_ : 1;
  return {scale_row(bound.nano.row_begin, count, tile), scale_row(bound.nano.row_end, count, tile)};
}

uint32_t count_kernels(std::span<const Kernel> table, const Op& op, const ModelMemory& memory) {
  const std::vector<DType> formats = weight_formats(op, memory);
  uint32_t count = 0;
  while (std::all_of(formats.begin(), formats.end(), [&](DType format) {
    return find_kernel(table, op, format, count) != nullptr;
  })) {
    ++count;
  }
  return count;
}

const Kernel* find_kernel(std::span<const Kernel> table, const Op& op, DType format,
                          uint32_t index) {
  for (const Kernel& kernel : table) {
    if (kernel.kind != op.kind || kernel.weight != format || !kernel.supports(op.shape)) continue;
    if (index-- == 0) return &kernel;
  }
  return nullptr;
}

}  // namespace nf
