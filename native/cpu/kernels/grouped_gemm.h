// GEMM with the experts of each row: out[row, slot] = a * w[expert(row, slot)]^T.
//
// The rows of a launch are sorted by expert first, so that an expert's weights are read from memory
// once per 96 of its rows, and an expert without rows not at all. A task is a block of one expert's
// rows times a few panels (gemm_block.h); rows that lie scattered are gathered into scratch. An
// element is summed as in a GEMM with that expert alone: which rows share a launch changes no bit.
#pragma once

#include "core/backend.h"
#include "core/check.h"
#include "cpu/kernels/gemm_block.h"

namespace nf::cpu {

template <typename V>
class GroupedGemm {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const GroupedGemmArgs& args = op.grouped_gemm;
    if (args.rows.empty()) return;
    NF_ASSERT(args.weight.in % 2 == 0 && args.weight.count <= NF_MAX_EXPERTS);
    Groups groups;
    group_rows(args, groups);
    const uint32_t blocks = groups.first_block[groups.count];
    const size_t panel_bytes = panel_words(args.weight.in) * sizeof(uint32_t);
    const auto columns = Block::columns_of(args.weight, false, panel_bytes);
    const auto split =
        Block::split_work(columns, {blocks, groups.begin[groups.count]}, lane.units());
    lane.for_each(blocks * split.column_blocks, [&](uint32_t task, uint32_t worker) {
      // Blocks of one expert and the same columns follow each other: they share the weights.
      const Panels panels = Block::panels_of(columns, split, task / blocks);
      run_task(args, groups, task % blocks, panels, lane.scratch(worker));
    });
  }

  static size_t workspace(const OpShape&) { return sizeof(Scratch); }

  static bool supports(const OpShape& shape) { return shape.in > 0 && shape.in % 2 == 0; }

 private:
  using Block = GemmBlock<V>;
  using A = typename V::A;

  struct Scratch {
    alignas(64) typename Block::Sums sums;
    alignas(64) A input[Block::kInputSize];  // [rows, block of the reduced dimension]
  };

  // The experts that rows of a launch go to, ascending, and where their entries begin in the
  // launch's part of args.order. An entry is row * slots + slot.
  struct Groups {
    uint32_t count = 0;
    uint32_t expert[NF_MAX_EXPERTS];
    uint32_t begin[NF_MAX_EXPERTS + 1];
    uint32_t first_block[NF_MAX_EXPERTS + 1];  // blocks of about equal size
  };

  // Some entries of one expert.
  struct Entries {
    uint32_t expert;
    const uint32_t* entry;
    uint32_t count;
  };

  // A counting sort by expert; entries of one expert stay in the order of the rows.
  static void group_rows(const GroupedGemmArgs& args, Groups& groups) {
    const uint32_t slots = args.routing.slots;
    uint32_t next[NF_MAX_EXPERTS] = {};  // first how many, then where the next one goes
    for (uint32_t row = args.rows.begin; row < args.rows.end; ++row) {
      for (uint32_t slot = 0; slot < slots; ++slot) ++next[args.routing.expert(row, slot)];
    }
    groups.begin[0] = groups.first_block[0] = 0;
    for (uint32_t expert = 0; expert < args.weight.count; ++expert) {
      const uint32_t entries = next[expert];
      const uint32_t begin = groups.begin[groups.count];
      next[expert] = begin;
      if (entries == 0) continue;
      const uint32_t blocks = (entries + Block::kRows - 1) / Block::kRows;
      groups.expert[groups.count] = expert;
      groups.first_block[groups.count + 1] = groups.first_block[groups.count] + blocks;
      groups.begin[++groups.count] = begin + entries;
    }
    uint32_t* order = args.order + size_t{args.rows.begin} * slots;
    for (uint32_t row = args.rows.begin; row < args.rows.end; ++row) {
      for (uint32_t slot = 0; slot < slots; ++slot) {
        order[next[args.routing.expert(row, slot)]++] = row * slots + slot;
      }
    }
  }

  static Entries entries_of(const GroupedGemmArgs& args, const Groups& groups, uint32_t block) {
    uint32_t group = 0;
    for (uint32_t end = groups.count; end - group > 1;) {
      const uint32_t middle = (group + end) / 2;
      (groups.first_block[middle] <= block ? group : end) = middle;
    }
    const uint32_t entries = groups.begin[group + 1] - groups.begin[group];
    const uint32_t blocks = groups.first_block[group + 1] - groups.first_block[group];
    const uint32_t index = block - groups.first_block[group];
    const uint32_t first = static_cast<uint32_t>(uint64_t{index} * entries / blocks);
    const uint32_t end = static_cast<uint32_t>((uint64_t{index} + 1) * entries / blocks);
    const uint32_t* order = args.order + size_t{args.rows.begin} * args.routing.slots;
    return {groups.expert[group], order + groups.begin[group] + first, end - first};
  }

  static void run_task(const GroupedGemmArgs& args, const Groups& groups, uint32_t block,
                       Panels panels, std::byte* memory) {
    auto& scratch = *reinterpret_cast<Scratch*>(memory);
    const Entries entries = entries_of(args, groups, block);
    const WeightView weight = args.weight.matrix(entries.expert);
    const size_t pairs = pairs_of(weight.in);
    // A single tile of rows passes over the weights once, where there is room for its input.
    const bool fits = entries.count == 1 || entries.count * pairs <= Block::kInputSize;
    const bool once = V::kPairDot && entries.count <= V::kTileRows && fits;
    const size_t step = once ? pairs : Block::kPairs;
    Block::multiply_block(
        weight, panels, entries.count, step, scratch.sums,
        [&](size_t k, Tile<V>& tile) { set_input(args, entries, k, scratch, tile); });
    const uint32_t left = weight.out - panels.column();
    const uint32_t end = left < panels.columns() ? left : panels.columns();
    for (uint32_t r = 0; r < entries.count; ++r) {
      const float* sums = scratch.sums + r * size_t{panels.columns()};
      float* out =
          static_cast<float*>(args.out) + size_t{entries.entry[r]} * weight.out + panels.column();
      __builtin_memcpy(out, sums, end * sizeof(float));
    }
  }

  // Points the tile at columns [2k, 2k + 2 * pairs) of the entries' activations.
  static void set_input(const GroupedGemmArgs& args, const Entries& entries, size_t k,
                        Scratch& scratch, Tile<V>& tile) {
    if constexpr (V::kPairDot) {
      if (entries.count == 1) {
        tile.a = reinterpret_cast<const uint32_t*>(activations(args, entries.entry[0]) + 2 * k);
        tile.lda = 0;
        return;
      }
    }
    tile.a = scratch.input;
    tile.lda = tile.pairs * Tile<V>::kPairSize;
    for (uint32_t r = 0; r < entries.count; ++r) {
      widen<V>(activations(args, entries.entry[r]) + 2 * k, static_cast<uint32_t>(2 * tile.pairs),
               scratch.input + r * tile.lda);
    }
  }

  static const uint16_t* activations(const GroupedGemmArgs& args, uint32_t entry) {
    const size_t row = args.a_per_slot ? entry : entry / args.routing.slots;
    return static_cast<const uint16_t*>(args.a) + row * args.weight.in;
  }
};

}  // namespace nf::cpu
