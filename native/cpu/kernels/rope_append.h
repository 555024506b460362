// Splits qkv, rotates q and k by their positions, writes q and appends k and v to the KV pages.
// Some models divide every head of q and k by its rms first, in fp32.
//
// A pair is (x[i], x[i + D/2]). q is scaled before it is rounded to bf16, so that attention needs
// no scaling. Traffic of a row: 4 (Q + 2K) D bytes read, 2 (Q + 2K) D written.
//
// Values of two tokens share words (kv_page.h). The last row of a sequence clears the other half of
// its pair: attention multiplies it by an exact zero, which a stale NaN would survive.
#pragma once

#include "core/backend.h"
#include "cpu/kernels/kv_page.h"
#include "cpu/kernels/vec_math.h"

namespace nf::cpu {

template <typename V>
class RopeAppend {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const RopeAppendArgs& args = op.rope_append;
    if (args.rows.empty()) return;
    const uint32_t rows = args.rows.size();
    const uint32_t task_rows = rows_of_task(rows, lane.units());
    lane.for_each((rows + task_rows - 1) / task_rows, [&](uint32_t task, uint32_t) {
      const uint32_t begin = args.rows.begin + task * task_rows;
      const uint32_t end = args.rows.end - begin < task_rows ? args.rows.end : begin + task_rows;
      for (uint32_t row = begin; row < end; ++row) append_row(args, row);
    });
  }

  static size_t workspace(const OpShape&) { return 0; }
  static bool supports(const OpShape& shape) {
    return shape.head_dim > 0 && shape.head_dim % 2 == 0 && shape.head_dim <= kMaxHeadDim;
  }

 private:
  using F = typename V::F;

  // Keys of 16 tokens that follow each other share cache lines, which two cores would take from
  // each other: where there are rows enough, a task has as many.
  static uint32_t rows_of_task(uint32_t rows, uint32_t units) {
    const uint32_t share = rows / (4 * units);
    return share < 4 ? 4 : share < 32 ? share : 32;
  }

  static void append_row(const RopeAppendArgs& args, uint32_t row) {
    const Batch& batch = *args.batch;
    const uint32_t dim = args.kv.head_dim;
    const uint32_t q_width = args.num_heads * dim;
    const uint32_t kv_width = args.kv.num_kv_heads * dim;
    const float* q = static_cast<const float*>(args.qkv) + size_t{row} * (q_width + 2 * kv_width);
    const float* k = q + q_width;
    const float* v = k + kv_width;

    const uint32_t position = batch.row_position[row];
    const nf_sequence& sequence = batch.sequences[batch.row_sequence[row]];
    const Rotation rotation = rotation_of(args.rope, sequence, position, dim / 2);
    uint16_t* q_out = static_cast<uint16_t*>(args.q) + size_t{row} * q_width;
    float normed[kMaxHeadDim];
    for (uint32_t h = 0; h < args.num_heads; ++h) {
      rotate(rotation, args.scale, normalize(args, 0, q + h * dim, normed), q_out + h * dim);
    }

    const uint32_t page = batch.pages[sequence.page_begin + position / args.kv.page_tokens];
    const uint32_t token = position % args.kv.page_tokens;
    const bool last = position + 1 == sequence.position + sequence.row_count;
    const KvPage layout{args.kv.page_tokens, args.kv.num_kv_heads, dim};
    auto* words = reinterpret_cast<uint32_t*>(args.kv.layer + page * args.kv.page_bytes);
    for (uint32_t h = 0; h < args.kv.num_kv_heads; ++h) {
      uint16_t rounded[kMaxHeadDim];
      rotate(rotation, 1.0f, normalize(args, dim, k + h * dim, normed), rounded);
      put_key(rounded, layout, words + layout.key(h, token));
      round(v + h * dim, dim, rounded);
      auto* half = reinterpret_cast<uint16_t*>(words + layout.value(h, token)) + token % 2;
      put_value(rounded, layout, last && token % 2 == 0, half);
    }
  }

  // x [D], or where the model norms its heads, x / rms(x) * weight in `normed`. `first`: of the
  // weights.
  static const float* normalize(const RopeAppendArgs& args, uint32_t first, const float* x,
                                float* normed) {
    if (args.qk_norm == nullptr) return x;
    const float* weight = args.qk_norm + first;
    const uint32_t dim = args.kv.head_dim;
    const float mean = sum_of_squares<V>(x, dim) / static_cast<float>(dim);
    const F scale = V::set1(1.0f / __builtin_sqrtf(mean + args.epsilon));
    // The last vector may end behind the head, in whose place there is room.
    for (uint32_t i = 0; i < dim; i += V::kLanes) {
      const uint32_t n = dim - i < V::kLanes ? dim - i : V::kLanes;
      const F normal = V::mul(V::load_part(x + i, n), scale);
      V::store(normed + i, V::mul(normal, V::load_part(weight + i, n)));
    }
    return normed;
  }

  struct Rotation {
    const float* cos;  // [half]
    const float* sin;  // [half]
    uint32_t half;
  };

  static Rotation rotation_of(const RopeTable& rope, const nf_sequence& sequence, uint32_t position,
                              uint32_t half) {
    const bool is_long = (sequence.flags & NF_SEQUENCE_LONG_ROPE) != 0;
    const size_t first = size_t{position} * half;
    return {(is_long ? rope.long_cos : rope.cos) + first,
            (is_long ? rope.long_sin : rope.sin) + first, half};
  }

  static void rotate(const Rotation& rotation, float scale, const float* x, uint16_t* out) {
    const F s = V::set1(scale);
    for (uint32_t i = 0; i < rotation.half; i += V::kLanes) {
      const uint32_t n = rotation.half - i < V::kLanes ? rotation.half - i : V::kLanes;
      const F cos = V::load_part(rotation.cos + i, n);
      const F sin = V::load_part(rotation.sin + i, n);
      const F a = V::load_part(x + i, n);
      const F b = V::load_part(x + rotation.half + i, n);
      const F first = V::sub(V::mul(a, cos), V::mul(b, sin));
      const F second = V::add(V::mul(b, cos), V::mul(a, sin));
      V::store_bf16_part(out + i, V::mul(first, s), n);
      V::store_bf16_part(out + rotation.half + i, V::mul(second, s), n);
    }
  }

  static void round(const float* x, uint32_t size, uint16_t* out) {
    for (uint32_t i = 0; i < size; i += V::kLanes) {
      const uint32_t n = size - i < V::kLanes ? size - i : V::kLanes;
      V::store_bf16_part(out + i, V::load_part(x + i, n), n);
    }
  }

  static void put_key(const uint16_t* key, const KvPage& layout, uint32_t* word) {
    for (uint32_t d = 0; d < layout.head_dim; d += 2, word += layout.group_tokens()) {
      __builtin_memcpy(word, key + d, sizeof(uint32_t));
    }
  }

  // `half` is the token's half of its first pair.
  static void put_value(const uint16_t* value, const KvPage& layout, bool clear_other,
                        uint16_t* half) {
    for (uint32_t d = 0; d < layout.head_dim; d += kValueColumns) {
      const uint32_t left = layout.head_dim - d;
      const uint32_t columns = left < kValueColumns ? left : kValueColumns;
      for (uint32_t i = 0; i < columns; ++i) half[2 * i] = value[d + i];
      if (clear_other) {
        for (uint32_t i = 0; i < columns; ++i) half[2 * i + 1] = 0;
      }
      half += 2 * layout.value_panel_words();
    }
  }
};

}  // namespace nf::cpu
