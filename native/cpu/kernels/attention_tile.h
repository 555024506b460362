// Causal attention of one tile of queries over the KV pages of their sequence.
//
// For one query row and head, keys are taken in blocks of 64 at absolute positions. A block gives
// (max m, sum l, unnormalised output o) on its own; blocks are merged in ascending order. So the
// bits of a result depend on the row's position and sequence only: not on the rows beside it, on
// how its prompt was cut, or on who computed a block. A window hides keys at the front of a row's
// first block like the causal mask hides those at the end of its last one; blocks that lie before
// the windows of all rows are not read.
//
//   s = q * keys              [queries, 64]   queries: (row, query head of one kv head)
//   s = c * tanh(s / c)       in models with a soft cap c
//   m = max s, p = e^(s - m)  rounded to a GEMM input, summed as rounded; 0 where masked
//   o = p * values            [queries, D]
#pragma once

#include "core/backend.h"
#include "cpu/kernels/kv_page.h"
#include "cpu/kernels/tile.h"
#include "cpu/kernels/vec_math.h"

namespace nf::cpu {

constexpr uint32_t kMaxQueries = 48;  // of a task: 12-row tiles, and a working set of about 128 KiB

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
  // `next`, if not null, is computed after this one: its first keys and values are fetched.
  QueryTileAttention(const AttentionArgs& args, const QueryTile& tile, const QueryTile* next,
                     AttentionScratch<V>& scratch)
      : args_(args),
        tile_(tile),
        next_(next),
        scratch_(scratch),
        layout_{args.kv.page_tokens, args.kv.num_kv_heads, args.kv.head_dim},
        pages_(pages_of(args, tile)),
        first_position_(args.batch->row_position[tile.rows.begin]),
        last_position_(args.batch->row_position[tile.rows.end - 1]),
        queries_((tile.rows.end - tile.rows.begin) * tile.heads),
        dim_(args.kv.head_dim),
        width_(layout_.value_panels() * kValueColumns) {}

  void run() {
    load_queries();
    const uint32_t begin = args_.first_visible(first_position_);
    for (uint32_t start = begin - begin % kAttentionBlock; start <= last_position_;
         start += kAttentionBlock) {
      const Block block = block_at(start, begin);
      compute_block(block);
      // Merging works on whole vectors of queries; what it spoils behind `taken` is taken later.
      merge_block(block.first, block.taken);
      take_block(block.taken, block.end);
    }
    store_out();
  }

 private:
  using F = typename V::F;
  using A = typename V::A;
  using Scratch = AttentionScratch<V>;
  static constexpr size_t kPairSize = Tile<V>::kPairSize;

  // Queries [first, end) see some of the block; it is the first one of queries [taken, end).
  struct Block {
    uint32_t start;   // position of its first token
    uint32_t skip;    // tokens at its front that no row sees, in groups of kKeyColumns
    uint32_t tokens;  // up to the last that a row sees
    uint32_t first;
    uint32_t taken;
    uint32_t end;
  };

  // `begin`: the first position that the tile's first row sees.
  Block block_at(uint32_t start, uint32_t begin) const {
    const uint32_t left = last_position_ + 1 - start;
    Block block;
    block.start = start;
    block.skip = begin > start ? (begin - start) / kKeyColumns * kKeyColumns : 0;
    block.tokens = left < kAttentionBlock ? left : kAttentionBlock;
    block.first = start > first_position_ ? (start - first_position_) * tile_.heads : 0;
    block.taken = begin < start ? queries_that_see(start - 1) : 0;
    block.end = queries_that_see(start + kAttentionBlock - 1);
    return block;
  }

  // Queries, from the first on, whose windows begin at `position` or before it.
  uint32_t queries_that_see(uint32_t position) const {
    if (args_.first_visible(last_position_) <= position) return queries_;
    return (position + args_.window - first_position_) * tile_.heads;
  }

  static const nf_sequence& sequence_of(const AttentionArgs& args, uint32_t row) {
    return args.batch->sequences[args.batch->row_sequence[row]];
  }

  static const uint32_t* pages_of(const AttentionArgs& args, const QueryTile& tile) {
    return args.batch->pages + sequence_of(args, tile.rows.begin).page_begin;
  }

  // A token's keys or values of one head.
  struct Place {
    const uint32_t* pages;  // of its sequence
    uint32_t kv_head;
    uint32_t position;
  };

  Place here(uint32_t position) const { return {pages_, tile_.kv_head, position}; }

  // What is read a block later: of this tile, or of the next one from its first block on; the same
  // place where there is neither.
  Place a_block_after(uint32_t position) const {
    const uint32_t later = position + kAttentionBlock;
    if (later <= last_position_) return here(later);
    if (next_ == nullptr) return here(position);
    const uint32_t row = args_.batch->row_position[next_->rows.begin];
    const uint32_t begin = args_.first_visible(row);
    const uint32_t first = begin - begin % kAttentionBlock + position % kAttentionBlock;
    return {pages_of(args_, *next_), next_->kv_head, first < row ? first : row};
  }

  // Words of the page that holds a token.
  const uint32_t* page_at(const Place& place) const {
    const uint32_t page = place.pages[place.position / layout_.page_tokens];
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
    for (uint32_t i = block.first; i < block.end; ++i) {
      const uint32_t position = first_position_ + i / tile_.heads;
      const uint32_t begin = args_.first_visible(position);
      const uint32_t end = position + 1 - block.start;
      soften(i, begin > block.start ? begin - block.start : 0,
             end < kAttentionBlock ? end : kAttentionBlock);
    }
    weigh_values(block);
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
    const uint32_t pair = 2 * kKeyColumns;
    for (uint32_t token = block.skip / pair * pair; token < block.tokens; token += pair) {
      const uint32_t second = token + kKeyColumns;
      // Where one half is not seen the other is taken twice; its scores are masked.
      const uint32_t left = block.start + (token < block.skip ? second : token);
      const uint32_t right = second < block.tokens ? block.start + second : left;
      tile.half[0] = keys(here(left));
      tile.half[1] = keys(here(right));
      tile.ahead = {{keys(a_block_after(left)), keys(a_block_after(right))}, tile.b_stride};
      tile.c = scratch_.scores + block.first * kAttentionBlock + token;
      multiply<V>(tile, block.end - block.first);
    }
  }

  const uint32_t* keys(const Place& place) const {
    return page_at(place) + layout_.key(place.kv_head, place.position % layout_.page_tokens);
  }

  // Turns the scores of a query, of which it sees those of tokens [begin, end), into probabilities.
  void soften(uint32_t query, uint32_t begin, uint32_t end) {
    float* scores = scratch_.scores + query * kAttentionBlock;
    if (args_.softcap > 0) {
      for (uint32_t i = 0; i < kAttentionBlock; i += V::kLanes) {
        V::store(scores + i, soft_cap<V>(V::load(scores + i), args_.softcap));
      }
    }
    for (uint32_t i = 0; i < begin; ++i) scores[i] = -__builtin_inff();
    for (uint32_t i = end; i < kAttentionBlock; ++i) scores[i] = -__builtin_inff();
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

  const uint32_t* values(const Place& place) const {
    return page_at(place) + layout_.value(place.kv_head, place.position % layout_.page_tokens);
  }

  // block_out = probabilities * values, page by page.
  void weigh_values(const Block& block) {
    const size_t panel = layout_.value_panel_words();
    for (uint32_t token = block.skip; token < block.tokens;) {
      const uint32_t page_left = layout_.page_tokens - (block.start + token) % layout_.page_tokens;
      const uint32_t left = block.tokens - token;
      const uint32_t run = left < page_left ? left : page_left;
      const uint32_t* first = values(here(block.start + token));
      const uint32_t* ahead = values(a_block_after(block.start + token));
      if (run >= 2) weigh_pairs(block, {first, ahead, panel, token, run / 2});
      if (run % 2 != 0) {
        // Only the last token of the tile can be alone; its partner may never have been written.
        const uint32_t* last = first + size_t{run / 2} * kValueColumns;
        for (uint32_t d = 0; d < width_; ++d) {
          scratch_.last_values[d] = last[d / kValueColumns * panel + d % kValueColumns] & 0xffffu;
        }
        weigh_pairs(
            block, {scratch_.last_values, scratch_.last_values, kValueColumns, token + run - 1, 1});
      }
      token += run;
    }
  }

  // Pairs of neighbouring tokens whose values lie together.
  struct ValueRun {
    const uint32_t* first;
    const uint32_t* ahead;  // what is read later, in the same layout
    size_t panel_words;     // from one panel of dimensions to the next
    uint32_t token;         // of the block
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
    tile.accumulate = run.token > block.skip;
    for (uint32_t d = 0; d < width_; d += kValueColumns) {
      tile.half[0] = run.first + d / kValueColumns * run.panel_words;
      tile.half[1] = tile.half[0] + 16;
      const uint32_t* ahead = run.ahead + d / kValueColumns * run.panel_words;
      tile.ahead = {{ahead, ahead + 16}, kValueColumns};
      tile.c = scratch_.block_out + block.first * width_ + d;
      multiply<V>(tile, block.end - block.first);
    }
  }

  // Adds a block's (m, l, o) to the running ones: both are scaled to the larger maximum.
  void merge_block(uint32_t first, uint32_t end) {
    merge_sums(first, end);
    for (uint32_t i = first; i < end; ++i) {
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

  void merge_sums(uint32_t first, uint32_t end) {
    for (uint32_t i = first; i < end; i += V::kLanes) {
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

  // A query's first block is all there is so far.
  void take_block(uint32_t first, uint32_t end) {
    if (first >= end) return;
    for (uint32_t i = first; i < end; ++i) {
      scratch_.max[i] = scratch_.block_max[i];
      scratch_.sum[i] = scratch_.block_sum[i];
    }
    __builtin_memcpy(scratch_.out + first * width_, scratch_.block_out + first * width_,
                     (end - first) * width_ * sizeof(float));
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
  const QueryTile* next_;
  AttentionScratch<V>& scratch_;
  const KvPage layout_;
  const uint32_t* pages_;  // of the sequence
  const uint32_t first_position_;
  const uint32_t last_position_;
  const uint32_t queries_;
  const uint32_t dim_;
  const uint32_t width_;  // dim padded to 32
};

}  // namespace nf::cpu
