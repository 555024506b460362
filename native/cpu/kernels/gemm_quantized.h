// GEMM over weights in block formats: out = a * w^T (+ bias) (+ residual).
//
// The traffic is that of gemm.h with the bytes of the format. A task of more rows than one tile has
// takes 512 elements of a panel apart (32 KiB of bf16) and lets all its rows pass over them, so
// that unpacking is paid once for up to 96 rows. Neither weights nor activations are rounded: see
// block_tile.h.
#pragma once

#include "cpu/kernels/block_panel.h"
#include "cpu/kernels/block_tile.h"
#include "cpu/kernels/gemm.h"

namespace nf::cpu {

template <typename V, template <typename> typename PanelOf>
class QuantizedGemm {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const GemmArgs& args = op.gemm;
    if (args.rows.empty()) return;
    NF_ASSERT(args.weight.format == kFormat.dtype && args.weight.in % kFormat.elements == 0);
    const auto columns =
        Gemm<V>::Block::columns_of(args.weight, false, panel_bytes(args.weight.in));
    Gemm<V>::template for_each_task<Scratch>(
        args, columns, lane,
        [&](const Task& task, Scratch& scratch) { run_task(args, task, scratch); });
  }

  static size_t workspace(const OpShape&) { return sizeof(Scratch); }

  static bool supports(const OpShape& shape) {
    return shape.in > 0 && shape.in % kFormat.elements == 0;
  }

 private:
  using A = typename V::A;
  using Panel = PanelOf<V>;
  using Task = typename Gemm<V>::Task;
  static constexpr BlockFormat kFormat = Panel::kFormat;
  static constexpr uint32_t kRowBlock = Gemm<V>::Block::kRows;
  static constexpr uint32_t kChunk = 512;  // elements of the reduced dimension
  static constexpr uint32_t kSubBlocks = kChunk / kFormat.sub_elements;
  // A single tile of rows passes over the weights once. Its inputs take the same scratch.
  static constexpr uint32_t kFewChunk = kChunk * (kRowBlock / V::kTileRows);
  static constexpr size_t kBlockBytes = size_t{kPanelColumns} * kFormat.bytes;

  struct Scratch {
    alignas(64) float sums[kRowBlock * Gemm<V>::Block::kMaxPanels * kPanelColumns];
    alignas(64) uint32_t pairs[kChunk / 2 * kPanelColumns];
    alignas(64) float scales[kSubBlocks * kPanelColumns];
    alignas(64) float mins[kFormat.has_min ? kSubBlocks * kPanelColumns : 1];
    alignas(64) float input_sums[kFormat.has_min ? kRowBlock * kSubBlocks : 1];
    alignas(64) A wide[V::kPairDot ? 1 : kRowBlock * kChunk];  // [rows, chunk], widened
  };

  static size_t panel_bytes(uint32_t in) { return in / kFormat.elements * kBlockBytes; }

  static void run_task(const GemmArgs& args, const Task& task, Scratch& scratch) {
    const uint32_t in = args.weight.in;
    const uint32_t rows = task.rows.size();
    const bool few = rows <= V::kTileRows;
    const uint32_t chunk = few ? kFewChunk : kChunk;
    const auto* panels = static_cast<const std::byte*>(args.weight.data);
    BlockTile<V> tile;
    tile.pairs = scratch.pairs;
    tile.scales = scratch.scales;
    tile.mins = scratch.mins;
    tile.sums = scratch.input_sums;
    tile.ld_sums = chunk / kFormat.sub_elements;
    tile.ldc = task.panels.columns();
    for (uint32_t k = 0; k < in; k += chunk) {
      const uint32_t elements = in - k < chunk ? in - k : chunk;
      tile.sub_blocks = elements / kFormat.sub_elements;
      tile.accumulate = k > 0;
      set_input(args, task.rows, k, chunk, scratch, tile);
      for (uint32_t p = 0; p < task.panels.count; ++p) {
        tile.blocks =
            panels + (task.panels.first + p) * panel_bytes(in) + k / kFormat.elements * kBlockBytes;
        tile.c = scratch.sums + p * kPanelColumns;
        if (few) {
          multiply_packed<V, Panel>(tile, rows);
        } else {
          unpack_panel<V, Panel>(tile.blocks, elements, scratch.pairs, scratch.scales,
                                 scratch.mins);
          multiply_unpacked<V, kFormat.sub_elements / 2, kFormat.has_min>(tile, rows);
        }
      }
    }
    for (uint32_t r = 0; r < rows; ++r) {
      Gemm<V>::finish_row(args, task.rows.begin + r, task.panels.column(), task.panels.columns(),
                          scratch.sums + r * tile.ldc);
    }
  }

  // Points the tile at the columns of the rows' activations from k on.
  static void set_input(const GemmArgs& args, RowRange rows, uint32_t k, uint32_t chunk,
                        Scratch& scratch, BlockTile<V>& tile) {
    const uint32_t in = args.weight.in;
    const auto* a = static_cast<const uint16_t*>(args.a) + rows.begin * size_t{in} + k;
    if constexpr (kFormat.has_min) {
      for (uint32_t r = 0; r < rows.end - rows.begin; ++r) {
        for (uint32_t s = 0; s < tile.sub_blocks; ++s) {
          scratch.input_sums[r * tile.ld_sums + s] =
              sum(a + size_t{r} * in + s * kFormat.sub_elements);
        }
      }
    }
    if constexpr (V::kPairDot) {
      tile.a = reinterpret_cast<const uint32_t*>(a);
      tile.lda = in / 2;
    } else {
      tile.a = scratch.wide;
      tile.lda = chunk;
      const auto elements = static_cast<uint32_t>(tile.sub_blocks * kFormat.sub_elements);
      for (uint32_t r = 0; r < rows.end - rows.begin; ++r) {
        widen<V>(a + size_t{r} * in, elements, scratch.wide + r * tile.lda);
      }
    }
  }

  // Of the activations of one sub-block.
  static float sum(const uint16_t* a) {
    typename V::F total = V::load_bf16(a);
    for (uint32_t i = V::kLanes; i < kFormat.sub_elements; i += V::kLanes) {
      total = V::add(total, V::load_bf16(a + i));
    }
    return V::sum(total);
  }
};

// The kernels of one instruction set, all formats.
#define NF_QUANTIZED_GEMM(name, V, Panel)                                                    \
  void name(const OpArgs& args, Lane& lane) { QuantizedGemm<V, Panel>::launch(args, lane); } \
  size_t name##_workspace(const OpShape& shape) {                                            \
    return QuantizedGemm<V, Panel>::workspace(shape);                                        \
  }                                                                                          \
  bool name##_supports(const OpShape& shape) { return QuantizedGemm<V, Panel>::supports(shape); }

#define NF_QUANTIZED_GEMMS(isa, V)                 \
  NF_QUANTIZED_GEMM(gemm_q8_0_##isa, V, Q8_0Panel) \
  NF_QUANTIZED_GEMM(gemm_q4_0_##isa, V, Q4_0Panel) \
  NF_QUANTIZED_GEMM(gemm_q4_k_##isa, V, Q4_KPanel) \
  NF_QUANTIZED_GEMM(gemm_q6_k_##isa, V, Q6_KPanel)

}  // namespace nf::cpu
