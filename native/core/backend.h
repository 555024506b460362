// What a backend offers: memory, packing, a kernel table, lanes, and the way to run a step.
//
// These are the only abstract types of the native side. Virtual calls happen at launch granularity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "nanoflow.h"
#include "op.h"

namespace nf {

class Program;
struct StepState;

// A share of the device on which kernels run in order. The width is the only unit count a kernel
// may use.
//
// On a host lane a kernel is through when its launch returns, and parallel_for is the only way it
// may spread work. Another device's lane only notes what is to be done, in order; its kernels know
// their lane and launch on its stream.
class Lane {
 public:
  // task in [0, count), worker in [0, units).
  using TaskFn = void (*)(void* context, uint32_t task, uint32_t worker);

  virtual ~Lane() = default;
  virtual uint32_t units() const = 0;
  // The share of the lane that the next kernels may use; 0: all of it.
  virtual void limit(uint32_t units) = 0;
  // Runs all tasks and returns when they are complete. Tasks are claimed dynamically: a result must
  // not depend on which worker runs a task.
  virtual void parallel_for(uint32_t count, TaskFn task, void* context);
  // Private memory of a worker, 64-byte aligned, at least the workspace the kernel asked for.
  virtual std::byte* scratch(uint32_t worker) = 0;

  // Writes the time (now_ns) at which the lane comes to this point: at once on a host lane, else by
  // the time the step is complete.
  virtual void stamp(uint64_t* ns);
  // Do launches return before their kernels are through? Then drain returns when all have.
  virtual bool runs_ahead() const { return false; }
  virtual void drain() {}

  // Adapts a callable: lane.for_each(n, [&](uint32_t task, uint32_t worker) { ... });
  template <typename Fn>
  void for_each(uint32_t count, Fn&& fn) {
    parallel_for(
        count,
        [](void* context, uint32_t task, uint32_t worker) {
          (*static_cast<std::remove_reference_t<Fn>*>(context))(task, worker);
        },
        &fn);
  }
};

// The shape of an op, known when a plan is lowered.
struct OpShape {
  uint32_t out = 0;       // GEMM columns, or H, I, V as the op has it
  uint32_t in = 0;        // GEMM reduction
  uint32_t head_dim = 0;  // attention
  uint32_t num_heads = 0;
  uint32_t num_kv_heads = 0;
  uint32_t num_experts = 0;
  uint32_t slots = 0;  // experts of a row
};

// A row of a backend's kernel table.
struct Kernel {
  OpKind kind;
  const char* name;  // "gemm_avx512bf16": <op>[_variant], also the stem of its source file
  bool (*supports)(const OpShape& shape);
  size_t (*workspace)(const OpShape& shape);  // bytes of scratch a worker needs
  void (*launch)(const OpArgs& args, Lane& lane);
  DType weight = DType::kPlain;  // of a GEMM: the format of the weights it reads
};

// Counters that lanes wait for, each with values that only grow. A wait for a value is made after
// the signal of that value has been, or by another thread, which then sleeps.
class Signals {
 public:
  virtual ~Signals() = default;
  virtual void signal(Lane& lane, uint32_t index, uint64_t value) = 0;
  virtual void wait(Lane& lane, uint32_t index, uint64_t value) = 0;
};

// Memory that the host writes and kernels read. Where a device has memory of its own the two are
// different, and a step copies what it needs (StepState::inputs).
struct MirroredMemory {
  std::byte* host = nullptr;
  std::byte* device = nullptr;
};

struct LaneSpec {
  nf_partition partition;
  uint16_t index = 0;  // lanes of one partition are told apart by it
  size_t scratch_bytes = 0;

  // Whatever scratch they ask for.
  bool names_same_lane(const LaneSpec& other) const {
    return partition.kind == other.partition.kind &&
           partition.first_unit == other.partition.first_unit &&
           partition.num_units == other.partition.num_units && index == other.index;
  }
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual const nf_device_info& info() const = 0;
  virtual ActivationTypes activation_types() const = 0;
  virtual std::span<const Kernel> kernels() const = 0;

  // Memory of the device: zeroed, 256-byte aligned, freed with the backend. Throws NF_OUT_OF_MEMORY
  // with the size. The host reaches it by write and read only.
  virtual std::byte* allocate(size_t bytes, const char* what) = 0;
  virtual MirroredMemory allocate_mirrored(size_t bytes, const char* what);
  // Host memory that kernels write results to.
  virtual std::byte* allocate_results(size_t bytes, const char* what);
  virtual void write(std::byte* target, const void* source, size_t bytes);
  virtual void read(void* target, const std::byte* source, size_t bytes);

  // The format in which a matrix stored in a block format is kept: plain, or the same.
  virtual DType packed_format(DType stored) const = 0;
  // Packed bytes of an [out, in] matrix of a format, and of one KV page of one layer.
  virtual size_t matrix_bytes(uint32_t out, uint32_t in, DType format) const = 0;
  virtual size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads,
                               uint32_t head_dim) const = 0;
  // Packs rows [first_out, first_out + rows) of a matrix from source [rows, in] of `dtype`.
  struct PackSpec {
    uint32_t out;  // of the packed matrix
    uint32_t in;
    uint32_t first_out;
    uint32_t rows;
    DType dtype;                    // of the source
    uint32_t paired_rows = 0;       // see unpaired_row
    DType format = DType::kPlain;   // of the packed matrix
    const float* scales = nullptr;  // [rows] of an int8 source

    // The row of the packed matrix that source row `row` becomes.
    uint32_t target_row(uint32_t row) const { return first_out + unpaired_row(row, paired_rows); }
    // The source row that stands in row `row` of the packed matrix.
    uint32_t source_row(uint32_t row) const { return paired_row(row - first_out, paired_rows); }
  };
  virtual void pack_matrix(const PackSpec& spec, const void* source, std::byte* packed) = 0;

  // Programs share the lanes of equal specs; a lane ends with the last program that holds it, so
  // that a search over many partitions does not collect threads.
  virtual std::shared_ptr<Lane> open_lane(const LaneSpec& spec) = 0;
  // Rows that a step of so many decode rows is launched for: padded, where launches are captured
  // once for many steps.
  virtual uint32_t launch_rows(uint32_t decode_rows) const { return decode_rows; }
  // Writes first_part [num_decode_rows + 1] and first_tile [num_sequences + 1] of a
  // batch that the host reads (batch.h), where kernels want them.
  virtual void cut_attention(const Batch& /*batch*/, uint32_t /*num_kv_heads*/,
                             uint32_t* /*first_part*/, uint32_t* /*first_tile*/) const {}

  virtual std::unique_ptr<Signals> make_signals(uint32_t count);
  // A program is about to be used: the time for whatever its kernels want to choose or allocate.
  virtual void prepare(Program& /*program*/) {}

  // Hands the step to the lanes and returns; the executor walks the program on them.
  virtual void run(StepState& step) = 0;
  // Why no step can run any more, or empty. It stays.
  virtual std::string failure() const { return {}; }
};

}  // namespace nf
