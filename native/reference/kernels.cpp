// Reference kernels, in the order of a layer. GEMMs are in gemm.cpp, sampling is in sample.cpp.
#include "kernels.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/penalty_counts.h"
#include "core/pooling.h"
#include "core/sampling.h"
#include "row.h"

namespace nf::reference {
namespace {

constexpr size_t kMaxHeadDim = 256;  // nf_model_spec

// Calls fn(row) for every row; rows share nothing.
template <typename Fn>
void for_each_row(Lane& lane, RowRange rows, Fn&& fn) {
  lane.for_each(rows.size(), [&](uint32_t task, uint32_t) { fn(rows.begin + task); });
}

const nf_sequence& sequence_of(const Batch& batch, uint32_t row) {
  return batch.sequences[batch.row_sequence[row]];
}

enum class KvPart : uint32_t { kKey = 0, kValue = 1 };

// The key or value [D] of one head at `position`. A page is [2, K, P, D].
float* kv_vector(const KvView& kv, const uint32_t* pages, uint32_t position, KvPart part,
                 uint32_t head) {
  const size_t page = pages[position / kv.page_tokens];
  const size_t token = position % kv.page_tokens;
  const size_t plane = size_t{uint32_t(part)} * kv.num_kv_heads + head;
  auto* base = reinterpret_cast<float*>(kv.layer + page * kv.page_bytes);
  return base + (plane * kv.page_tokens + token) * kv.head_dim;
}

// Rotates the pairs (x[i], x[i + D/2]) by the angles of a row's position. in and out may be the
// same.
struct Rotation {
  Rotation(const RopeTable& rope, const nf_sequence& sequence, uint32_t position, uint32_t head_dim)
      : half(head_dim / 2) {
    const bool is_long = (sequence.flags & NF_SEQUENCE_LONG_ROPE) != 0;
    cos = (is_long ? rope.long_cos : rope.cos) + size_t{position} * half;
    sin = (is_long ? rope.long_sin : rope.sin) + size_t{position} * half;
  }

  void operator()(const float* in, float* out) const {
    for (uint32_t i = 0; i < half; ++i) {
      const float low = in[i];
      const float high = in[i + half];
      out[i] = low * cos[i] - high * sin[i];
      out[i + half] = high * cos[i] + low * sin[i];
    }
  }

  uint32_t half;
  const float* cos;
  const float* sin;
};

// Where one query head looks: positions [begin, end) of one kv head.
struct Context {
  const KvView& kv;
  const uint32_t* pages;
  uint32_t head;
  uint32_t begin;
  uint32_t end;
  float softcap;

  const float* vector(uint32_t position, KvPart part) const {
    return kv_vector(kv, pages, position, part, head);
  }
};

// out[D] = softmax(q * K^T) * V, with the largest score subtracted before exp so that it cannot
// overflow.
void attend(const float* q, const Context& context, float* out) {
  const uint32_t head_dim = context.kv.head_dim;
  const auto score = [&](uint32_t position) {
    return soft_cap(dot(q, context.vector(position, KvPart::kKey), head_dim), context.softcap);
  };
  double largest = score(context.begin);
  for (uint32_t j = context.begin + 1; j < context.end; ++j) {
    largest = std::max(largest, score(j));
  }
  double sum_of_weights = 0;
  double weighted_values[kMaxHeadDim] = {};
  for (uint32_t j = context.begin; j < context.end; ++j) {
    const double weight = std::exp(score(j) - largest);
    const float* value = context.vector(j, KvPart::kValue);
    sum_of_weights += weight;
    for (uint32_t d = 0; d < head_dim; ++d) {
      weighted_values[d] += weight * double{value[d]};
    }
  }
  for (uint32_t d = 0; d < head_dim; ++d) {
    out[d] = float(weighted_values[d] / sum_of_weights);
  }
}

// One head of q (norm 0) or k (norm 1): normalised if the model says so, and rotated.
void turn_head(const RopeAppendArgs& args, size_t norm, const float* x, const Rotation& rotate,
               float* out) {
  const uint32_t head_dim = args.kv.head_dim;
  if (args.qk_norm != nullptr) {
    Norm{args.qk_norm + norm * head_dim, args.epsilon}(x, out, head_dim);
    x = out;
  }
  rotate(x, out);
}

}  // namespace

void embedding(const OpArgs& op, Lane& lane) {
  const EmbeddingArgs& args = op.embedding;
  const size_t hidden = args.table.in;
  const auto* table = static_cast<const float*>(args.table.data);
  for_each_row(lane, args.rows, [&](uint32_t row) {
    const int32_t token = resolve_token(*args.batch, row);
    NF_ASSERT(token >= 0 && uint32_t(token) < args.table.out);
    for (size_t i = 0; i < hidden; ++i) {
      args.out[row * hidden + i] = table[size_t(token) * hidden + i] * args.scale;
    }
    if (is_first_row(*args.batch, row)) {
      count_sequence_tokens(*args.batch, row, args.table.out);
    }
  });
}

void rms_norm(const OpArgs& op, Lane& lane) {
  const RmsNormArgs& args = op.rms_norm;
  const size_t hidden = args.hidden;
  const Norm norm{args.weight, args.epsilon};
  for_each_row(lane, args.rows, [&](uint32_t row) {
    const float* x = args.x + (args.gather != nullptr ? args.gather[row] : row) * hidden;
    float* out = static_cast<float*>(args.out) + row * hidden;
    norm(x, out, hidden);
    if (args.residual == nullptr) return;
    for (size_t i = 0; i < hidden; ++i) {
      out[i] += args.residual[row * hidden + i];
    }
  });
}

void rope_append(const OpArgs& op, Lane& lane) {
  const RopeAppendArgs& args = op.rope_append;
  const uint32_t head_dim = args.kv.head_dim;
  const uint32_t kv_heads = args.kv.num_kv_heads;
  const size_t q_width = size_t{args.num_heads} * head_dim;
  const size_t kv_width = size_t{kv_heads} * head_dim;
  for_each_row(lane, args.rows, [&](uint32_t row) {
    const uint32_t position = args.batch->row_position[row];
    const nf_sequence& sequence = sequence_of(*args.batch, row);
    const uint32_t* pages = args.batch->pages + sequence.page_begin;
    const Rotation rotate(args.rope, sequence, position, head_dim);
    const float* q = static_cast<const float*>(args.qkv) + row * (q_width + 2 * kv_width);
    const float* k = q + q_width;
    const float* v = k + kv_width;
    float* q_out = static_cast<float*>(args.q) + row * q_width;
    for (uint32_t head = 0; head < args.num_heads; ++head) {
      turn_head(args, 0, q + size_t{head} * head_dim, rotate, q_out + size_t{head} * head_dim);
    }
    for (size_t i = 0; i < q_width; ++i) {
      q_out[i] *= args.scale;
    }
    for (uint32_t head = 0; head < kv_heads; ++head) {
      turn_head(args, 1, k + size_t{head} * head_dim, rotate,
                kv_vector(args.kv, pages, position, KvPart::kKey, head));
      std::copy_n(v + size_t{head} * head_dim, head_dim,
                  kv_vector(args.kv, pages, position, KvPart::kValue, head));
    }
  });
}

void attention(const OpArgs& op, Lane& lane) {
  const AttentionArgs& args = op.attention;
  const size_t head_dim = args.kv.head_dim;
  const uint32_t group = args.num_heads / args.kv.num_kv_heads;
  NF_ASSERT(head_dim <= kMaxHeadDim);
  for_each_row(lane, args.rows, [&](uint32_t row) {
    const uint32_t* pages = args.batch->pages + sequence_of(*args.batch, row).page_begin;
    const uint32_t position = args.batch->row_position[row];
    const uint32_t begin = args.first_visible(position);
    for (uint32_t head = 0; head < args.num_heads; ++head) {
      const size_t offset = (size_t{row} * args.num_heads + head) * head_dim;
      attend(static_cast<const float*>(args.q) + offset,
             Context{args.kv, pages, head / group, begin, position + 1, args.softcap},
             static_cast<float*>(args.out) + offset);
    }
  });
}

namespace {

template <typename Activation>
void gate(const GluArgs& args, Lane& lane, Activation activation) {
  const size_t width = args.intermediate;
  for_each_row(lane, args.rows, [&](uint32_t row) {
    const float* gate = static_cast<const float*>(args.x) + size_t{row} * 2 * width;
    const float* up = gate + width;
    float* out = static_cast<float*>(args.out) + row * width;
    for (size_t i = 0; i < width; ++i) {
      out[i] = float(activation(double{gate[i]}) * double{up[i]});
    }
  });
}

}  // namespace

void swi_glu(const OpArgs& op, Lane& lane) { gate(op.glu, lane, silu); }

void ge_glu(const OpArgs& op, Lane& lane) { gate(op.glu, lane, gelu); }

void pool(const OpArgs& op, Lane& lane) {
  const PoolArgs& args = op.pool;
  const size_t hidden = args.hidden;
  const Norm norm{args.weight, args.epsilon};
  for_each_row(lane, args.rows, [&](uint32_t index) {
    const PooledPart part = pooled_part(*args.batch, index);
    float* sum = args.batch->pooled + args.batch->sequences[index].slot * hidden;
    for (uint32_t row = part.rows.begin; row < part.rows.end; ++row) {
      const bool adds = part.adds || row > part.rows.begin;
      norm.each(args.x + row * hidden, hidden,
                [&](size_t i, float value) { sum[i] = adds ? sum[i] + value : value; });
    }
    note_pooled(*args.batch, index, part);
  });
}

void echo(const OpArgs& op, Lane& lane) {
  const EchoArgs& args = op.echo;
  const Batch& batch = *args.batch;
  for_each_row(lane, args.rows, [&](uint32_t index) {
    const uint32_t row = batch.sample_row[index];
    const auto next = int32_t((uint32_t(resolve_token(batch, row)) + 1) % args.vocab);
    SampleOutput output(batch, index);
    const nf_sampling& sampling = batch.sampling[index];
    const int32_t token = is_scored(sampling) ? int32_t(sampling.target) : next;
    output.set_token(token, token == next ? 0.0f : kBanned);
    output.set_alternative(0, next, 0.0f);
  });
}

}  // namespace nf::reference
