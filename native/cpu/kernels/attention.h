// Causal attention over KV pages: how the work is cut. Decode and prefill share the arithmetic of a
// row (attention_tile.h) and differ in how many rows share one reading of the keys and values.
//
// Traffic of a decode row: all its keys and values once, 4 D bytes a token and kv head. A prefill
// task shares them among up to 48 queries.
#pragma once

#include "cpu/kernels/attention_tile.h"

namespace nf::cpu {

// Cuts (rows x kv heads x groups of query heads) into tasks.
template <typename V>
class Attention {
 public:
  // rows_per_item bounds the rows of one tile; it changes who shares keys, never a result.
  static void launch(const AttentionArgs& args, Lane& lane, uint32_t rows_per_item) {
    if (args.rows.empty()) return;
    const Split split = split_work(args, lane.units(), rows_per_item);
    lane.for_each((split.items + split.per_task - 1) / split.per_task,
                  [&](uint32_t task, uint32_t worker) {
                    auto& scratch = *reinterpret_cast<AttentionScratch<V>*>(lane.scratch(worker));
                    const uint32_t begin = task * split.per_task;
                    const uint32_t left = split.items - begin;
                    const uint32_t end = begin + (left < split.per_task ? left : split.per_task);
                    run_items(args, split, begin, end, scratch);
                  });
  }

  static size_t workspace(const OpShape&) { return sizeof(AttentionScratch<V>); }

  static bool supports(const OpShape& shape) {
    return shape.head_dim > 0 && shape.head_dim % 2 == 0 && shape.head_dim <= kMaxHeadDim &&
           shape.num_kv_heads > 0 && shape.num_heads % shape.num_kv_heads == 0;
  }

 private:
  struct Split {
    uint32_t group;        // query heads of a kv head
    uint32_t heads;        // of them in one item
    uint32_t head_chunks;  // items of a kv head and rows
    uint32_t rows;         // of an item
    uint32_t row_blocks;
    uint32_t items;
    uint32_t per_task;
  };

  static Split split_work(const AttentionArgs& args, uint32_t units, uint32_t rows_per_item) {
    Split split;
    split.group = args.num_heads / args.kv.num_kv_heads;
    split.heads = split.group < kMaxQueries ? split.group : kMaxQueries;
    split.head_chunks = (split.group + split.heads - 1) / split.heads;
    const uint32_t fit = kMaxQueries / split.heads;
    split.rows = fit < rows_per_item ? fit : rows_per_item;
    const uint32_t rows = args.rows.end - args.rows.begin;
    split.row_blocks = (rows + split.rows - 1) / split.rows;
    split.items = split.row_blocks * args.kv.num_kv_heads * split.head_chunks;
    split.per_task = items_per_task(args, split, units);
    return split;
  }

  // Items are grouped until a task takes about 20 us, as long as every unit gets several tasks.
  static uint32_t items_per_task(const AttentionArgs& args, const Split& split, uint32_t units) {
    uint64_t context = 0;
    for (uint32_t row = args.rows.begin; row < args.rows.end; ++row) {
      const uint32_t position = args.batch->row_position[row];
      context += position + 1 - args.first_visible(position);
    }
    const double rows = args.rows.end - args.rows.begin;
    const double bytes = static_cast<double>(context) / rows * args.kv.head_dim * 4;
    const double stream_ns = bytes / 30;
    const double compute_ns = bytes * split.rows * split.heads / 200;
    const double item_ns = 200 + (stream_ns > compute_ns ? stream_ns : compute_ns);
    uint32_t items = 1;
    while (items * item_ns < 20e3 && split.items / (items + 1) >= 4 * units) ++items;
    return items;
  }

  static void run_items(const AttentionArgs& args, const Split& split, uint32_t begin, uint32_t end,
                        AttentionScratch<V>& scratch) {
    for (uint32_t item = begin; item < end; ++item) {
      QueryTile next;
      if (item + 1 < end) next = tile_of(args, split, item + 1);
      const RowRange rows = rows_of(args, split, item);
      QueryTile tile = tile_of(args, split, item);
      while (tile.rows.begin < rows.end) {
        const bool last = tile.rows.end == rows.end && item + 1 < end;
        QueryTileAttention<V>(args, tile, last ? &next : nullptr, scratch).run();
        tile.rows = of_one_sequence(args, {tile.rows.end, rows.end});
      }
    }
  }

  static RowRange rows_of(const AttentionArgs& args, const Split& split, uint32_t item) {
    const uint32_t begin = args.rows.begin + item % split.row_blocks * split.rows;
    return {begin, args.rows.end - begin < split.rows ? args.rows.end : begin + split.rows};
  }

  // The first rows of a range, as long as they belong to the sequence of the very first.
  static RowRange of_one_sequence(const AttentionArgs& args, RowRange rows) {
    const uint32_t* sequence = args.batch->row_sequence;
    uint32_t end = rows.begin;
    while (end < rows.end && sequence[end] == sequence[rows.begin]) ++end;
    return {rows.begin, end};
  }

  // The first tile of an item. Items of one kv head follow each other: its keys and values stay in
  // cache.
  static QueryTile tile_of(const AttentionArgs& args, const Split& split, uint32_t item) {
    const uint32_t chunk = item / split.row_blocks % split.head_chunks;
    QueryTile tile;
    tile.kv_head = item / split.row_blocks / split.head_chunks;
    tile.first_head = tile.kv_head * split.group + chunk * split.heads;
    const uint32_t heads_left = split.group - chunk * split.heads;
    tile.heads = heads_left < split.heads ? heads_left : split.heads;
    tile.rows = of_one_sequence(args, rows_of(args, split, item));
    return tile;
  }
};

// Decode rows belong to different sequences: nothing is shared between rows.
template <typename V>
struct DecodeAttention : Attention<V> {
  static void launch(const OpArgs& op, Lane& lane) { Attention<V>::launch(op.attention, lane, 1); }
};

template <typename V>
struct PrefillAttention : Attention<V> {
  static void launch(const OpArgs& op, Lane& lane) {
    Attention<V>::launch(op.attention, lane, kMaxQueries);
  }
};

}  // namespace nf::cpu
