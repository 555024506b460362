// GEMM over int8 weights and quantized rows: out = a * w^T (+ bias) (+ residual), or act(gate) * up
// of such sums.
//
// The sum of products is an exact integer. It becomes a float once, times the scale of its row,
// times the scale of its column: the same bits in every instruction set.
//
// Traffic: every weight is read from memory once per 96 rows, activations once per 8 panels. Where
// bytes are multiplied directly, one tile of rows passes over whole panels. Otherwise, and with
// more rows, tasks go over blocks of 512 of the reduced dimension: 16 KiB of a panel stay in the
// nearest cache for all tiles, and the same of the panel after it arrives meanwhile. Their
// activations are copied to rows of an odd number of cache lines, because rows that lie a power of
// two apart would fight for the same places of the cache.
#pragma once

#include "core/check.h"
#include "cpu/int8_pack.h"
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/gemm_glu.h"
#include "cpu/kernels/int8_tile.h"

namespace nf::cpu {

// How a task of an int8 GEMM ends that writes its sums.
template <typename V>
struct PlainOutput {
  static constexpr uint32_t kHalves = 1;

  static void write(const GemmArgs& args, uint32_t row, Panels panels, const float* sums) {
    Gemm<V>::finish_row(args, row, panels.column(), panels.columns(), sums);
  }
};

template <typename V, typename Output>
class Int8Gemm {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const GemmArgs& args = op.gemm;
    if (args.rows.empty()) return;
    NF_ASSERT(args.weight.format == DType::kI8 && supports(shape_of(args)));
    const auto columns =
        Block::columns_of(args.weight, Output::kHalves == 2, int8_panel_bytes(args.weight.in));
    Gemm<V>::template for_each_task<Scratch>(
        args, columns, lane,
        [&](const Task& task, Scratch& scratch) { run_task(args, task, scratch); });
  }

  static size_t workspace(const OpShape&) { return sizeof(Scratch); }

  static bool supports(const OpShape& shape) {
    const bool whole_panels = Output::kHalves == 1 || shape.out % (2 * kPanelColumns) == 0;
    return shape.in > 0 && shape.in <= kMaxInt8Width && shape.out > 0 && whole_panels;
  }

 private:
  using Block = typename Gemm<V>::Block;
  using Task = typename Gemm<V>::Task;
  static constexpr uint32_t kRows = Block::kRows;
  static constexpr uint32_t kColumns = Block::kMaxPanels * kPanelColumns;
  static constexpr size_t kGroups = 128;
  static constexpr size_t kPitch = kGroups * Int8Tile<V>::kWords + 16;  // words

  struct Scratch {
    alignas(64) uint32_t sums[kRows * kColumns];
    alignas(64) float row[kColumns];
    alignas(64) uint32_t inputs[kRows * kPitch];
  };

  static OpShape shape_of(const GemmArgs& args) {
    OpShape shape;
    shape.out = args.weight.out;
    shape.in = args.weight.in;
    return shape;
  }

  static void run_task(const GemmArgs& args, const Task& task, Scratch& scratch) {
    const Panels& panels = task.panels;
    multiply(args, task.rows, panels, scratch);
    for (uint32_t r = 0; r < task.rows.size(); ++r) {
      const uint32_t row = task.rows.begin + r;
      to_floats(scratch.sums + size_t{r} * panels.in_all() * kPanelColumns, row_scale(args, row),
                args.weight, panels, scratch.row);
      Output::write(args, row, panels, scratch.row);
    }
  }

  static void multiply(const GemmArgs& args, RowRange rows, const Panels& panels,
                       Scratch& scratch) {
    const auto panel = [&](uint32_t index) { return int8_panel(args.weight, panels.at(index)); };
    const size_t groups = int8_groups(args.weight.in);
    const bool once = V::kByteDot && rows.size() <= V::kTileRows;
    const size_t step = once ? groups : kGroups;
    Int8Tile<V> tile{};
    tile.ldc = size_t{panels.in_all()} * kPanelColumns;
    for (size_t k = 0; k < groups; k += step) {
      tile.groups = groups - k < step ? groups - k : step;
      tile.accumulate = k > 0;
      set_input(args, rows, k, once, scratch, tile);
      for (uint32_t p = 0; p < panels.in_all(); ++p) {
        const bool last = p + 1 == panels.in_all();
        tile.b = words(panel(p), k);
        tile.c = scratch.sums + p * kPanelColumns;
        multiply_int8<V>(tile, rows.size(),
                         last ? words(panel(0), k + step) : words(panel(p + 1), k));
      }
    }
  }

  static const uint32_t* words(const Int8Panel& panel, size_t group) {
    return reinterpret_cast<const uint32_t*>(panel.values) + group * kPanelColumns;
  }

  static const std::byte* row_bytes_of(const GemmArgs& args, uint32_t row) {
    return static_cast<const std::byte*>(args.a) + row * row_bytes(DType::kI8, args.weight.in);
  }

  static float row_scale(const GemmArgs& args, uint32_t row) {
    float scale;
    __builtin_memcpy(&scale, row_bytes_of(args, row) + quantized_bytes(args.weight.in),
                     sizeof(scale));
    return scale;
  }

  // Points the tile at its groups of the rows' activations, from group k on.
  static void set_input(const GemmArgs& args, RowRange rows, size_t k, bool once, Scratch& scratch,
                        Int8Tile<V>& tile) {
    if (once) {
      tile.a = reinterpret_cast<const uint32_t*>(row_bytes_of(args, rows.begin)) + k;
      tile.lda = row_bytes(DType::kI8, args.weight.in) / sizeof(uint32_t);
      return;
    }
    tile.a = scratch.inputs;
    tile.lda = kPitch;
    for (uint32_t r = 0; r < rows.size(); ++r) {
      spread_bytes<V>(row_bytes_of(args, rows.begin + r) + k * sizeof(uint32_t), tile.groups,
                      scratch.inputs + r * kPitch);
    }
  }

  // The sums of one row as floats.
  static void to_floats(const uint32_t* sums, float row_scale, const WeightView& weight,
                        const Panels& panels, float* out) {
    const typename V::F scale = V::set1(row_scale);
    for (uint32_t p = 0; p < panels.in_all(); ++p) {
      const Int8Panel panel = int8_panel(weight, panels.at(p));
      const auto* offsets = reinterpret_cast<const uint32_t*>(panel.offsets);
      for (uint32_t j = 0; j < kPanelColumns; j += V::kLanes) {
        const typename V::I sum =
            V::sub_words(V::load_pairs(sums + p * kPanelColumns + j), V::load_pairs(offsets + j));
        const typename V::F scaled = V::mul(V::to_floats(sum), scale);
        V::store(out + p * kPanelColumns + j, V::mul(scaled, V::load(panel.scales + j)));
      }
    }
  }
};

// The kernels of one instruction set.
#define NF_INT8_GEMM(name, V, ...)                                                            \
  void name(const OpArgs& args, Lane& lane) { Int8Gemm<V, __VA_ARGS__>::launch(args, lane); } \
  size_t name##_workspace(const OpShape& shape) {                                             \
    return Int8Gemm<V, __VA_ARGS__>::workspace(shape);                                        \
  }                                                                                           \
  bool name##_supports(const OpShape& shape) { return Int8Gemm<V, __VA_ARGS__>::supports(shape); }

#define NF_INT8_GEMMS(isa, V, RowV)                                     \
  NF_INT8_GEMM(gemm_int8_##isa, V, PlainOutput<V>)                      \
  NF_INT8_GEMM(gemm_int8_swi_glu_##isa, V, GluOutput<RowV, Silu<RowV>>) \
  NF_INT8_GEMM(gemm_int8_ge_glu_##isa, V, GluOutput<RowV, Gelu<RowV>>)

}  // namespace nf::cpu
