#include "attention_world.h"

#include <cuda_runtime.h>

#include <cmath>

#include "case_lane.h"
#include "case_run.h"
#include "cuda/attention_work.h"
#include "cuda/kernels/kernels.h"
#include "tolerance.h"

namespace test {
namespace {

using nf::DType;
using nf::RowRange;

constexpr uint16_t kNan = 0xffff;

uint16_t narrow(float value, DType operand) {
  return operand == DType::kF16 ? nf::to_half(value) : nf::to_bf16(value).bits;
}

float widen(uint16_t bits, DType operand) {
  return operand == DType::kF16 ? nf::half_to_float(bits) : nf::to_float(nf::BF16{bits});
}

template <DType operand>
std::vector<AttentionKernel> decode_kernels_of() {
  std::vector<AttentionKernel> kernels{{"async", nf::cuda::decode_attention_async<operand>,
                                        nf::cuda::decode_attention_async_workspace}};
  int major = 0;
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
  if (major >= 9) {
    kernels.push_back({"bulk", nf::cuda::decode_attention_bulk<operand>,
                       nf::cuda::decode_attention_bulk_workspace});
  }
  return kernels;
}

}  // namespace

std::vector<AttentionKernel> decode_kernels(DType operand) {
  return operand == DType::kF16 ? decode_kernels_of<DType::kF16>()
                                : decode_kernels_of<DType::kBF16>();
}

AttentionKernel prefill_kernel(DType operand) {
  return {"prefill",
          operand == DType::kF16 ? nf::cuda::prefill_attention_mma<DType::kF16>
                                 : nf::cuda::prefill_attention_mma<DType::kBF16>,
          nf::cuda::prefill_attention_mma_workspace};
}

// A step's rows and what the batch points to.
struct AttentionWorld::Step {
  std::vector<AttentionRow> rows;
  std::vector<uint32_t> row_sequence, row_position, first_row, first_part, first_tile;
  std::vector<nf_sequence> sequences;
  nf::Batch batch;
  nf::OpKind kind;

  void add(const AttentionWorld& world, const Chunk& chunk) {
    const bool padding = chunk.sequence == nf::kNoSequence;
    if (!padding) first_row.push_back(uint32_t(rows.size()));
    for (uint32_t i = 0; i < chunk.rows; ++i) {
      rows.push_back({chunk.sequence, chunk.position + i});
      row_sequence.push_back(padding ? nf::kNoSequence : uint32_t(sequences.size()));
      row_position.push_back(chunk.position + i);
    }
    if (padding) return;
    nf_sequence sequence{};
    sequence.row_count = chunk.rows;
    sequence.position = chunk.position;
    sequence.page_begin = world.table_begin_[chunk.sequence];
    sequences.push_back(sequence);
  }

  void finish(const AttentionWorld& world, uint32_t num_decode_rows) {
    batch.num_rows = uint32_t(rows.size());
    batch.num_decode_rows = num_decode_rows;
    batch.num_sequences = uint32_t(sequences.size());
    batch.row_sequence = row_sequence.data();
    batch.row_position = row_position.data();
    batch.sequences = sequences.data();
    batch.first_row = first_row.data();
    batch.pages = world.table_.data();
    first_part.resize(num_decode_rows + 1);
    first_tile.resize(sequences.size() + 1);
    batch.first_part = first_part.data();
    batch.first_tile = first_tile.data();
    nf::cuda::fill_tiles(batch, first_tile.data());
  }
};

AttentionWorld::AttentionWorld(Random& random, const WorldShape& in_shape,
                               const std::vector<uint32_t>& in_lengths)
    : shape(in_shape),
      lengths(in_lengths),
      layout_{shape.page_tokens, shape.kv_heads, shape.head_dim},
      pages_(0) {
  uint32_t num_pages = 0;
  for (const uint32_t length : lengths) {
    const size_t kv_width = size_t{shape.kv_heads} * shape.head_dim;
    const float deviation = 1.5f / std::sqrt(float(shape.head_dim));
    queries_.push_back(operands(random, size_t{length} * shape.width(), deviation));
    keys_.push_back(operands(random, length * kv_width));
    values_.push_back(operands(random, length * kv_width));
    table_begin_.push_back(num_pages);
    num_pages += (length + shape.page_tokens - 1) / shape.page_tokens;
  }
  table_.resize(num_pages);
  std::iota(table_.begin(), table_.end(), 0);
  std::shuffle(table_.begin(), table_.end(), random);
  pages_ = AlignedBytes(num_pages * layout_.bytes());
  for (uint32_t sequence = 0; sequence < lengths.size(); ++sequence) {
    for (uint32_t position = 0; position < lengths[sequence]; ++position) {
      put_token(sequence, position);
    }
  }
}

uint16_t* AttentionWorld::token(uint32_t sequence, uint32_t position, uint32_t kv_head,
                                uint32_t dim) {
  const uint32_t page = table_[table_begin_[sequence] + position / shape.page_tokens];
  auto* elements = reinterpret_cast<uint16_t*>(pages_.data() + page * layout_.bytes());
  return elements + layout_.key(kv_head, position % shape.page_tokens, dim);
}

void AttentionWorld::put_token(uint32_t sequence, uint32_t position) {
  for (uint32_t i = 0; i < shape.kv_heads * shape.head_dim; ++i) {
    const size_t at = size_t{position} * shape.kv_heads * shape.head_dim + i;
    uint16_t* key = token(sequence, position, i / shape.head_dim, i % shape.head_dim);
    key[0] = narrow(keys_[sequence][at], shape.operand);
    key[layout_.half_tile()] = narrow(values_[sequence][at], shape.operand);
  }
}

void AttentionWorld::spoil_outside(uint32_t sequence, uint32_t begin, uint32_t end) {
  const uint32_t pages = (lengths[sequence] + shape.page_tokens - 1) / shape.page_tokens;
  for (uint32_t position = 0; position < pages * shape.page_tokens; ++position) {
    if (position >= begin && position < end) continue;
    for (uint32_t i = 0; i < shape.kv_heads * shape.head_dim; ++i) {
      uint16_t* key = token(sequence, position, i / shape.head_dim, i % shape.head_dim);
      key[0] = key[layout_.half_tile()] = kNan;
    }
  }
}

void AttentionWorld::scale_queries(float factor) {
  for (auto& queries : queries_) {
    for (float& value : queries) value *= factor;
  }
}

Bits AttentionWorld::run(const AttentionKernel& kernel, Step& step, uint32_t units,
                         std::vector<RowRange> launches) {
  std::vector<uint16_t> q;
  for (const AttentionRow& row : step.rows) {
    for (uint32_t i = 0; i < shape.width(); ++i) {
      const bool padding = row.sequence == nf::kNoSequence;
      const float value =
          padding ? 0 : queries_[row.sequence][size_t{row.position} * shape.width() + i];
      q.push_back(padding ? kNan : narrow(value, shape.operand));
    }
  }
  Bits out(q.size(), kUnwritten);
  const nf::KvView kv{pages_.data(), layout_.bytes(), shape.page_tokens, shape.kv_heads,
                      shape.head_dim};
  const auto lane = open_cuda_lane(units, kernel.workspace(shape.op_shape()));
  nf::OpArgs args;
  for (const RowRange rows : launches) {
    args.attention = {rows,       &step.batch, q.data(),     kv,
                      out.data(), shape.heads, shape.window, shape.softcap};
    kernel.launch(args, lane->lane());
  }
  lane->finish();
  CHECK(lane->scratch_intact());
  return out;
}

Bits AttentionWorld::decode(const AttentionKernel& kernel, const std::vector<AttentionRow>& rows,
                            const DecodeOptions& options) {
  Step step;
  for (const AttentionRow& row : rows) step.add(*this, {row.sequence, row.position, 1});
  const auto count = uint32_t(rows.size());
  step.finish(*this, count);
  for (uint32_t row = 0; row < count; ++row) {
    const bool padding = rows[row].sequence == nf::kNoSequence;
    step.first_part[row + 1] = step.first_part[row] + uint32_t{!padding};
  }
  // So many units that every row is split that can be.
  if (options.split) {
    nf::cuda::fill_parts(step.batch, shape.kv_heads, 1 << 16, step.first_part.data());
  }
  return run(kernel, step, options.units,
             options.launches.empty() ? std::vector<RowRange>{{0, count}} : options.launches);
}

Bits AttentionWorld::prefill(const AttentionKernel& kernel, const std::vector<Chunk>& chunks,
                             uint32_t units, std::vector<RowRange> launches) {
  constexpr uint32_t kDecodeRows = 2;  // in front, which the kernel must leave alone
  Step step;
  for (uint32_t row = 0; row < kDecodeRows; ++row) step.add(*this, {0, 0, 1});
  for (const Chunk& chunk : chunks) step.add(*this, chunk);
  step.finish(*this, kDecodeRows);
  for (RowRange& rows : launches) rows = {rows.begin + kDecodeRows, rows.end + kDecodeRows};
  if (launches.empty()) launches = {{kDecodeRows, step.batch.num_rows}};
  Bits out = run(kernel, step, units, launches);
  const auto border = out.begin() + ptrdiff_t(kDecodeRows * shape.width());
  CHECK(std::all_of(out.begin(), border, [](uint16_t bits) { return bits == kUnwritten; }));
  out.erase(out.begin(), border);
  return out;
}

std::vector<double> AttentionWorld::attend(AttentionRow row, uint32_t head) const {
  const uint32_t dim = shape.head_dim;
  const uint32_t kv_head = head / (shape.heads / shape.kv_heads);
  const float* query =
      queries_[row.sequence].data() + size_t{row.position} * shape.width() + size_t{head} * dim;
  const auto at = [&](const std::vector<float>& from, uint32_t position) {
    return from.data() + (size_t{position} * shape.kv_heads + kv_head) * dim;
  };
  nf::AttentionArgs args{};
  args.window = shape.window;
  const uint32_t begin = args.first_visible(row.position);
  std::vector<double> scores;
  for (uint32_t j = begin; j <= row.position; ++j) {
    double score = 0;
    for (uint32_t d = 0; d < dim; ++d) {
      score += double{query[d]} * double{at(keys_[row.sequence], j)[d]};
    }
    const double cap = double{shape.softcap};
    scores.push_back(cap == 0 ? score : cap * std::tanh(score / cap));
  }
  const double largest = *std::max_element(scores.begin(), scores.end());
  std::vector<double> out(dim);
  double sum = 0;
  for (uint32_t j = begin; j <= row.position; ++j) {
    const double weight = std::exp(scores[j - begin] - largest);
    sum += weight;
    for (uint32_t d = 0; d < dim; ++d) {
      out[d] += weight * double{at(values_[row.sequence], j)[d]};
    }
  }
  for (double& value : out) value /= sum;
  return out;
}

void AttentionWorld::check(const std::vector<AttentionRow>& rows, const Bits& out) const {
  const Tolerance near = tolerance(nf::OpKind::kDecodeAttention, shape.operand, shape.operand);
  REQUIRE(out.size() == rows.size() * shape.width());
  for (size_t r = 0; r < rows.size(); ++r) {
    for (uint32_t head = 0; rows[r].sequence != nf::kNoSequence && head < shape.heads; ++head) {
      const std::vector<double> expected = attend(rows[r], head);
      for (uint32_t d = 0; d < shape.head_dim; ++d) {
        const uint16_t bits = out[r * shape.width() + size_t{head} * shape.head_dim + d];
        const auto actual = double{widen(bits, shape.operand)};
        const double allowed =
            double{near.absolute} + double{near.relative} * std::abs(expected[d]);
        if (std::abs(actual - expected[d]) <= allowed) continue;
        FAIL("D " + std::to_string(shape.head_dim) + ", position " +
             std::to_string(rows[r].position) + ", head " + std::to_string(head) + ", dimension " +
             std::to_string(d) + ": " + std::to_string(actual) + " is not " +
             std::to_string(expected[d]));
        break;
      }
    }
  }
}

Bits AttentionWorld::row_of(const Bits& out, size_t row) const {
  const auto begin = out.begin() + ptrdiff_t(row * shape.width());
  return {begin, begin + ptrdiff_t(shape.width())};
}

std::vector<AttentionRow> rows_of(const std::vector<Chunk>& chunks) {
  std::vector<AttentionRow> rows;
  for (const Chunk& chunk : chunks) {
    for (uint32_t i = 0; i < chunk.rows; ++i) rows.push_back({chunk.sequence, chunk.position + i});
  }
  return rows;
}

}  // namespace test
