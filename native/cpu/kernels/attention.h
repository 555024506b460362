// Causal attention over KV pages; decode and prefill are the same arithmetic.
//
// For one query row and head, keys are taken in blocks of 64 at absolute positions. A block gives
// (max m, sum l, unnormalised output o) on its own; blocks are merged in ascending order. So the
// bits of a result depend on the row's position and sequence only: not on the rows beside it, on
// how its prompt was cut, or on who computed a block.
//
//   s = q * keys              [queries, 64]   queries: (row, query head of one kv head)
//   m = max s, p = e^(s - m)  rounded to a GEMM input, summed as rounded; 0 where masked
//   o = p * values            [queries, D]
//
// Traffic of a decode row: all its keys and values once, 4 D bytes a token and kv head. A prefill
// task shares them among up to 48 queries.
#pragma once

#include "core/backend.h"
#include "core/check.h"
#include "cpu/kernels/kv_page.h"
#include "cpu/kernels/tile.h"
#include "cpu/kernels/vec_math.h"

namespace nf::cpu {

constexpr uint32_t kMaxQueries = 48;  // of a task: 12-row tiles, and a working set of about 128 KiB
constexpr uint32_t kMaxHeadDim = 256;

// Memory of a worker while it computes one query tile.
template <typename V>
struct AttentionScratch {
  using A = typename V::A;
  static constexpr size_t kPairSize = Tile<V>::kPairSize;
  static constexpr size_t kProbabilities = kAttentionBlock / 2 * kPairSize;

  alignas(64) A queries[kMaxQueries * (kMaxHeadDim / 2) * kPairSize];
  alignas(64) float scores[kMaxQueries * kAttentionBlock];
  alignas(64) A probabilities[kMaxQueries * kProbabilities];
  alignas(64) float block_out[kMaxQueries * kMaxHeadDim];
  alignas(64) float out[kMaxQueries * kMaxHeadDim];
  alignas(64) uint32_t last_values[kMaxHeadDim];  // the last pair, its unwritten half cleared
  // One number per query; room for whole vectors from any query on.
  float block_max[kMaxQueries + V::kLanes];
  float block_sum[kMaxQueries + V::kLanes];
  float block_scale[kMaxQueries + V::kLanes];
  float max[kMaxQueries + V::kLanes];
  float sum[kMaxQueries + V::kLanes];
  float scale[kMaxQueries + V::kLanes];
};

// The queries of one task: consecutive rows of one sequence times heads that share a kv head.
struct QueryTile {
  RowRange rows;
  uint32_t kv_head;
  uint32_t first_head;
  uint32_t heads;
};

template <typename V>
class QueryTileAttention {
 public:
  QueryTileAttention(const AttentionArgs& args, const QueryTile& tile, AttentionScratch<V>& scratch)
      : args_(args),
        tile_(tile),
        scratch_(scratch),
        layout_{args.kv.page_tokens, args.kv.num_kv_heads, args.kv.head_dim},
        pages_(args.batch->pages + sequence_of(args, tile.rows.begin).page_begin),
        first_position_(args.batch->row_position[tile.rows.begin]),
        last_position_(args.batch->row_position[tile.rows.end - 1]),
        queries_((tile.rows.end - tile.rows.begin) * tile.heads),
        dim_(args.kv.head_dim),
        width_(layout_.value_panels() * kValueColumns) {}

  void run() {
    load_queries();
    const uint32_t last = last_position_;
    for (uint32_t start = 0; start <= last; start += kAttentionBlock) {
      const uint32_t tokens =
          last + 1 - start < kAttentionBlock ? last + 1 - start : kAttentionBlock;
      // Rows before the block see none of it.
      const uint32_t first = start > first_position_ ? (start - first_position_) * tile_.heads : 0;
      compute_block({start, tokens, first});
      if (start == 0) {
        take_block();
      } else {
        merge_block(first);
      }
    }
    store_out();
  }

 private:
  using F = typename V::F;
  using A = typename V::A;
  using Scratch = AttentionScratch<V>;
  static constexpr size_t kPairSize = Tile<V>::kPairSize;

  struct Block {
    uint32_t start;   // position of its first token
    uint32_t tokens;  // that the last row of the tile sees
    uint32_t first;   // first query that sees any of it
  };

  static const nf_sequence& sequence_of(const AttentionArgs& args, uint32_t row) {
    return args.batch->sequences[args.batch->row_sequence[row]];
  }

  // Words of the page that holds `position`.
  const uint32_t* page_at(uint32_t position) const {
    const uint32_t page = pages_[position / layout_.page_tokens];
    return reinterpret_cast<const uint32_t*>(args_.kv.layer + page * args_.kv.page_bytes);
  }

  size_t query_width() const { return dim_ / 2 * kPairSize; }

  // q of (row, head), as stored by rope_append.
  size_t query_offset(uint32_t query) const {
    const uint32_t row = tile_.rows.begin + query / tile_.heads;
    const uint32_t head = tile_.first_head + query % tile_.heads;
    return (size_t{row} * args_.num_heads + head) * dim_;
  }

  void load_queries() {
    const auto* q = static_cast<const uint16_t*>(args_.q);
    for (uint32_t i = 0; i < queries_; ++i) {
      widen<V>(q + query_offset(i), dim_, scratch_.queries + i * query_width());
    }
  }

  // (m, l, o) of one block alone, for the queries from block.first on.
  void compute_block(const Block& block) {
    score(block);
    for (uint32_t i = block.first; i < queries_; ++i) {
      const uint32_t position = first_position_ + i / tile_.heads;
      const uint32_t seen = position + 1 - block.start;
      soften(i, seen < kAttentionBlock ? seen : kAttentionBlock);
    }
    fetch_next(block);
    weigh_values(block);
  }

  // Starts reading the next block, which may be in another page; the rest follows its beginning.
  void fetch_next(const Block& block) const {
    const uint32_t position = block.start + kAttentionBlock;
    if (position > last_position_) return;
    const uint32_t* next = keys(position);
    for (size_t word = 0; word < kPrefetchWords; word += 16) __builtin_prefetch(next + word);
  }

  // scores = queries * keys, 32 tokens at a time.
  void score(const Block& block) {
    Tile<V> tile;
    tile.a = scratch_.queries + block.first * query_width();
    tile.lda = query_width();
    tile.b_stride = layout_.group_tokens();
    tile.pairs = dim_ / 2;
    tile.ldc = kAttentionBlock;
    tile.accumulate = false;
    for (uint32_t token = 0; token < block.tokens; token += 2 * kKeyColumns) {
      const uint32_t second = token + kKeyColumns;
      tile.half[0] = keys(block.start + token);
      // Where there is no second half the first is taken twice; its scores are masked.
      tile.half[1] = second < block.tokens ? keys(block.start + second) : tile.half[0];
      tile.c = scratch_.scores + block.first * kAttentionBlock + token;
      multiply<V>(tile, queries_ - block.first);
    }
  }

  const uint32_t* keys(uint32_t position) const {
    return page_at(position) + layout_.key(tile_.kv_head, position % layout_.page_tokens);
  }

  // Turns the scores of a query, of which it sees the first `seen`, into probabilities.
  void soften(uint32_t query, uint32_t seen) {
    float* scores = scratch_.scores + query * kAttentionBlock;
    for (uint32_t i = seen; i < kAttentionBlock; ++i) scores[i] = -__builtin_inff();
    F top = V::load(scores);
    for (uint32_t i = V::kLanes; i < kAttentionBlock; i += V::kLanes) {
      top = V::max(top, V::load(scores + i));
    }
    const float max = V::largest(top);
    const F shift = V::set1(max);
    A* probabilities = scratch_.probabilities + query * Scratch::kProbabilities;
    F sum = V::set1(0.0f);
    for (uint32_t i = 0; i < kAttentionBlock; i += V::kLanes) {
      const F p = exp<V>(V::sub(V::load(scores + i), shift));
      sum = V::add(sum, put_input(p, i, probabilities));
    }
    scratch_.block_max[query] = max;
    scratch_.block_sum[query] = V::sum(sum);
  }

  // Stores elements [i, i + lanes) of a GEMM input and returns them as stored.
  static F put_input(F x, uint32_t i, A* out) {
    if constexpr (V::kPairDot) {
      uint16_t* halves = reinterpret_cast<uint16_t*>(out) + i;
      V::store_bf16(halves, x);
      return V::load_bf16(halves);
    } else {
      V::store(out + i, x);
      return x;
    }
  }

  const uint32_t* values(uint32_t position) const {
    return page_at(position) + layout_.value(tile_.kv_head, position % layout_.page_tokens);
  }

  // block_out = probabilities * values, page by page.
  void weigh_values(const Block& block) {
    const size_t panel = layout_.value_panel_words();
    for (uint32_t token = 0; token < block.tokens;) {
      const uint32_t page_left = layout_.page_tokens - (block.start + token) % layout_.page_tokens;
      const uint32_t left = block.tokens - token;
      const uint32_t run = left < page_left ? left : page_left;
      const uint32_t* first = values(block.start + token);
      if (run >= 2) weigh_pairs(block, {first, panel, token, run / 2});
      if (run % 2 != 0) {
        // Only the last token of the tile can be alone; its partner may never have been written.
        const uint32_t* last = first + size_t{run / 2} * kValueColumns;
        for (uint32_t d = 0; d < width_; ++d) {
          scratch_.last_values[d] = last[d / kValueColumns * panel + d % kValueColumns] & 0xffffu;
        }
        weigh_pairs(block, {scratch_.last_values, kValueColumns, token + run - 1, 1});
      }
      token += run;
    }
  }

  // Pairs of neighbouring tokens whose values lie together.
  struct ValueRun {
    const uint32_t* first;
    size_t panel_words;  // from one panel of dimensions to the next
    uint32_t token;      // of the block
    uint32_t pairs;
  };

  void weigh_pairs(const Block& block, const ValueRun& run) {
    Tile<V> tile;
    tile.a =
        scratch_.probabilities + block.first * Scratch::kProbabilities + run.token / 2 * kPairSize;
    tile.lda = Scratch::kProbabilities;
    tile.b_stride = kValueColumns;
    tile.pairs = run.pairs;
    tile.ldc = width_;
    tile.accumulate = run.token > 0;
    for (uint32_t d = 0; d < width_; d += kValueColumns) {
      tile.half[0] = run.first + d / kValueColumns * run.panel_words;
      tile.half[1] = tile.half[0] + 16;
      tile.c = scratch_.block_out + block.first * width_ + d;
      multiply<V>(tile, queries_ - block.first);
    }
  }

  // Adds a block's (m, l, o) to the running ones: both are scaled to the larger maximum.
  void merge_block(uint32_t first) {
    merge_sums(first);
    for (uint32_t i = first; i < queries_; ++i) {
      const float* block_out = scratch_.block_out + i * width_;
      float* out = scratch_.out + i * width_;
      const F old_scale = V::set1(scratch_.scale[i]);
      const F scale = V::set1(scratch_.block_scale[i]);
      for (uint32_t d = 0; d < width_; d += V::kLanes) {
        const F added = V::mul(V::load(block_out + d), scale);
        V::store(out + d, V::fma(V::load(out + d), old_scale, added));
      }
    }
  }

  void merge_sums(uint32_t first) {
    for (uint32_t i = first; i < queries_; i += V::kLanes) {
      const F old_max = V::load(scratch_.max + i);
      const F block_max = V::load(scratch_.block_max + i);
      const F max = V::max(old_max, block_max);
      const F old_scale = exp<V>(V::sub(old_max, max));
      const F scale = exp<V>(V::sub(block_max, max));
      const F added = V::mul(V::load(scratch_.block_sum + i), scale);
      V::store(scratch_.max + i, max);
      V::store(scratch_.sum + i, V::fma(V::load(scratch_.sum + i), old_scale, added));
      V::store(scratch_.scale + i, old_scale);
      V::store(scratch_.block_scale + i, scale);
    }
  }

  // The first block is all there is so far.
  void take_block() {
    for (uint32_t i = 0; i < queries_; ++i) {
      scratch_.max[i] = scratch_.block_max[i];
      scratch_.sum[i] = scratch_.block_sum[i];
    }
    __builtin_memcpy(scratch_.out, scratch_.block_out, queries_ * width_ * sizeof(float));
  }

  void store_out() {
    auto* out = static_cast<uint16_t*>(args_.out);
    for (uint32_t i = 0; i < queries_; ++i) {
      const F scale = V::set1(1.0f / scratch_.sum[i]);
      uint16_t* row = out + query_offset(i);
      for (uint32_t d = 0; d < dim_; d += V::kLanes) {
        const uint32_t n = dim_ - d < V::kLanes ? dim_ - d : V::kLanes;
        // Adding 0 turns -0 into 0: masked products may have either sign.
        const F x = V::mul(V::load(scratch_.out + i * width_ + d), scale);
        V::store_bf16_part(row + d, V::add(x, V::set1(0.0f)), n);
      }
    }
  }

  const AttentionArgs& args_;
  const QueryTile tile_;
  AttentionScratch<V>& scratch_;
  const KvPage layout_;
  const uint32_t* pages_;  // of the sequence
  const uint32_t first_position_;
  const uint32_t last_position_;
  const uint32_t queries_;
  const uint32_t dim_;
  const uint32_t width_;  // dim padded to 32
};

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
                    for (uint32_t item = begin; item < end; ++item) {
                      run_item(args, split, item, scratch);
                    }
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
      context += args.batch->row_position[row] + 1;
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

  // Items of one kv head follow each other: its keys and values stay in cache.
  static void run_item(const AttentionArgs& args, const Split& split, uint32_t item,
                       AttentionScratch<V>& scratch) {
    const uint32_t block = item % split.row_blocks;
    const uint32_t chunk = item / split.row_blocks % split.head_chunks;
    QueryTile tile;
    tile.kv_head = item / split.row_blocks / split.head_chunks;
    tile.first_head = tile.kv_head * split.group + chunk * split.heads;
    const uint32_t heads_left = split.group - chunk * split.heads;
    tile.heads = heads_left < split.heads ? heads_left : split.heads;

    const uint32_t begin = args.rows.begin + block * split.rows;
    const uint32_t end = args.rows.end - begin < split.rows ? args.rows.end : begin + split.rows;
    const uint32_t* sequence = args.batch->row_sequence;
    for (uint32_t row = begin; row < end;) {
      tile.rows.begin = row;
      while (row < end && sequence[row] == sequence[tile.rows.begin]) ++row;
      tile.rows.end = row;
      QueryTileAttention<V>(args, tile, scratch).run();
    }
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
