// Builds the arguments of each kind of op from a case, and launches a kernel on them.
#include "kernel_cases.h"

#include <bit>
#include <cmath>
#include <tuple>

#include "check.h"
#include "random_blocks.h"

namespace test {
namespace {

using nf::DType;
using nf::OpArgs;
using nf::OpKind;
using nf::RowRange;

constexpr uint32_t kPageTokens = 16;
constexpr uint32_t kMaxPositions = 256;  // above what random_sequences makes

std::vector<float> operands(Random& random, size_t count, float deviation = 1.0f) {
  std::vector<float> values = normal(random, count, deviation);
  for (float& value : values) {
    value = nf::to_float(nf::to_bf16(value));
  }
  return values;
}

// [rows, width] in memory of a dtype, read and written as floats.
class Tensor {
 public:
  Tensor(DType dtype, const std::vector<float>& values)
      : dtype_(dtype), count_(values.size()), bytes_(count_ * size_of(dtype)) {
    for (size_t i = 0; i < count_; ++i) {
      const nf::BF16 narrow = nf::to_bf16(values[i]);
      const void* element = &values[i];
      if (dtype_ == DType::kBF16) element = &narrow;
      std::memcpy(bytes_.data() + i * size_of(dtype), element, size_of(dtype));
    }
  }
  Tensor(DType dtype, size_t count) : Tensor(dtype, std::vector<float>(count, kUntouched)) {}

  void* data() { return bytes_.data(); }
  float* floats() { return reinterpret_cast<float*>(bytes_.data()); }

  void append_to(Output& output) const {
    output.written = dtype_;
    output.bytes.insert(output.bytes.end(), bytes_.data(), bytes_.data() + bytes_.size());
    for (size_t i = 0; i < count_; ++i) {
      const std::byte* element = bytes_.data() + i * size_of(dtype_);
      float value;
      nf::BF16 narrow;
      std::memcpy(&narrow, element, sizeof(narrow));
      if (dtype_ == DType::kBF16) {
        value = to_float(narrow);
      } else {
        std::memcpy(&value, element, sizeof(value));
      }
      output.values.push_back(value);
    }
  }

 private:
  DType dtype_;
  size_t count_;
  AlignedBytes bytes_;
};

template <typename T>
void append_bytes(Output& output, const T* data, size_t count) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  output.bytes.insert(output.bytes.end(), bytes, bytes + count * sizeof(T));
}

// A case being run: random inputs come from its seed, the same for every backend and split.
struct Run {
  Run(const Subject& subject_in, const nf::Kernel& kernel_in, const OpCase& c, Split split_in)
      : subject(subject_in),
        kernel(kernel_in),
        shape(c.shape),
        weight(c.weight),
        split(split_in),
        random(c.seed) {}

  const Subject& subject;
  const nf::Kernel& kernel;
  nf::OpShape shape;
  DType weight;  // the format in which a matrix is stored
  Split split;
  Random random;
  Output output;

  // Launches the kernel on `rows` as the split says. `range`: the rows member of the arguments.
  void launch(OpArgs& args, RowRange& range, RowRange rows) {
    SerialLane lane(split == Split::kWhole ? 1 : 3, kernel.workspace(shape));
    output.launched = {rows.end, rows.begin};
    for (const RowRange piece : pieces(rows)) {
      range = piece;
      kernel.launch(args, lane);
      output.launched.begin = std::min(output.launched.begin, piece.begin);
      output.launched.end = std::max(output.launched.end, piece.end);
    }
    output.scratch_intact = lane.scratch_intact();
  }

 private:
  std::vector<RowRange> pieces(RowRange rows) {
    if (split == Split::kWhole || rows.size() < 2) return {rows};
    std::vector<uint32_t> cuts{rows.begin, rows.end};
    for (int i = 0; i < 3; ++i) {
      cuts.push_back(pick(random, rows.begin, rows.end));
    }
    std::sort(cuts.begin(), cuts.end());
    std::vector<RowRange> ranges;
    for (size_t i = 0; i + 1 < cuts.size(); ++i) {
      if (cuts[i] < cuts[i + 1]) ranges.push_back({cuts[i], cuts[i + 1]});
    }
    std::shuffle(ranges.begin(), ranges.end(), random);
    if (split == Split::kMiddle) ranges.resize(1);
    return ranges;
  }
};

// A weight of the backend, packed in two parts as fused projections are.
class PackedMatrix {
 public:
  // Of random elements that are stored in run.weight; plain ones are bf16.
  PackedMatrix(Run& run, uint32_t out, uint32_t in, float deviation = 1.0f)
      : format_(is_block_format(run.weight) ? run.subject.packed_format(run.weight)
                                            : DType::kPlain),
        bytes_(run.subject.matrix_bytes(out, in, format_)),
        view_{bytes_.data(), out, in, format_} {
    if (is_block_format(run.weight)) {
      const auto blocks =
          random_blocks(run.random, nf::block_format(run.weight), size_t{out} * in, deviation);
      pack(run.subject, run.weight, blocks.data());
    } else {
      Tensor source(DType::kBF16, operands(run.random, size_t{out} * in, deviation));
      pack(run.subject, DType::kBF16, static_cast<const std::byte*>(source.data()));
    }
  }
  const nf::WeightView& view() const { return view_; }

 private:
  void pack(const Subject& subject, DType dtype, const std::byte* rows) {
    const uint32_t out = view_.out;
    const uint32_t in = view_.in;
    const uint32_t first = out / 3;
    subject.pack_matrix({out, in, 0, first, dtype}, rows, bytes_.data());
    subject.pack_matrix({out, in, first, out - first, dtype},
                        rows + nf::stored_bytes(dtype, size_t{first} * in), bytes_.data());
  }

  DType format_;
  AlignedBytes bytes_;
  nf::WeightView view_;
};

Step random_step(Random& random, uint32_t vocab) {
  const uint32_t num_decode = pick(random, 0, 6);
  const uint32_t num_prefill = pick(random, num_decode == 0 ? 1 : 0, 3);
  auto specs = random_sequences(random, num_decode, num_prefill);
  specs.back().flags |= NF_SEQUENCE_SAMPLE;
  return Step(specs, {.page_tokens = kPageTokens, .vocab = vocab, .num_decode = num_decode},
              random);
}

void run_embedding(Run& run) {
  const uint32_t vocab = run.shape.in;
  const uint32_t hidden = run.shape.out;
  Step step = random_step(run.random, vocab);
  const PackedMatrix table(run, vocab, hidden);
  Tensor out(DType::kF32, size_t{step.num_rows()} * hidden);
  const nf::Batch batch = step.batch();
  OpArgs args;
  const float scale = pick(run.random, 0, 1) == 0 ? 1.0f : 7.25f;
  args.embedding = {{}, &batch, table.view(), out.floats(), scale};
  run.launch(args, args.embedding.rows, {0, step.num_rows()});
  run.output.rows = step.num_rows();
  out.append_to(run.output);
  append_bytes(run.output, step.penalty_counts.data(), step.penalty_counts.size());
}

void run_rms_norm(Run& run) {
  const uint32_t hidden = run.shape.out;
  const uint32_t rows = pick(run.random, 1, 20);
  Tensor x(DType::kF32, normal(run.random, 2 * size_t{rows} * hidden));
  Tensor weight(DType::kF32, normal(run.random, hidden));
  std::vector<uint32_t> gather(rows);
  for (uint32_t& row : gather) {
    row = pick(run.random, 0, 2 * rows - 1);
  }
  const bool gathers = pick(run.random, 0, 1) == 0;
  const bool adds = pick(run.random, 0, 1) == 0;
  Tensor residual(DType::kF32, normal(run.random, size_t{rows} * hidden));
  Tensor out(adds ? DType::kF32 : run.subject.operand, size_t{rows} * hidden);
  OpArgs args;
  args.rms_norm = {
      {},    gathers ? gather.data() : nullptr, x.floats(), weight.floats(), out.data(), hidden,
      1e-5f, adds ? residual.floats() : nullptr};
  run.launch(args, args.rms_norm.rows, {0, rows});
  run.output.rows = rows;
  out.append_to(run.output);
}

void run_gemm(Run& run) {
  const uint32_t out_width = run.shape.out;
  const uint32_t in = run.shape.in;
  const uint32_t rows = pick(run.random, 1, 40);
  const float deviation = 1.0f / std::sqrt(float(in));
  Tensor a(run.subject.operand, operands(run.random, size_t{rows} * in));
  const PackedMatrix weight(run, out_width, in, deviation);
  Tensor bias(DType::kF32, normal(run.random, out_width));
  Tensor residual(DType::kF32, normal(run.random, size_t{rows} * out_width));
  const bool biased = pick(run.random, 0, 1) == 0;
  const bool adds = pick(run.random, 0, 1) == 0;
  const bool wide = pick(run.random, 0, 1) == 0;
  const float softcap = pick(run.random, 0, 1) == 0 ? 0.0f : 1.5f;
  const DType dtype = adds || wide ? DType::kF32 : run.subject.operand;
  Tensor out(dtype, size_t{rows} * out_width);
  OpArgs args;
  args.gemm = {{},
               a.data(),
               weight.view(),
               biased ? bias.floats() : nullptr,
               adds ? residual.floats() : nullptr,
               out.data(),
               dtype,
               softcap};
  run.launch(args, args.gemm.rows, {0, rows});
  run.output.rows = rows;
  out.append_to(run.output);
}

// cos and sin of angles that fall with the index, [positions, D / 2] each.
struct RopeAngles {
  RopeAngles(uint32_t positions, uint32_t head_dim) {
    for (uint32_t position = 0; position < positions; ++position) {
      for (uint32_t i = 0; i < head_dim / 2; ++i) {
        const double angle = position * std::pow(10000.0, -2.0 * i / head_dim);
        cos.push_back(float(std::cos(angle)));
        sin.push_back(float(std::sin(angle)));
      }
    }
  }
  std::vector<float> cos;
  std::vector<float> sin;
};

// The pages of one layer.
struct KvPages {
  KvPages(const Subject& subject, const nf::OpShape& shape, uint32_t num_pages)
      : page_bytes(subject.kv_page_bytes(kPageTokens, shape.num_kv_heads, shape.head_dim)),
        memory(page_bytes * num_pages),
        view{memory.data(), page_bytes, kPageTokens, shape.num_kv_heads, shape.head_dim} {}
  size_t page_bytes;
  AlignedBytes memory;
  nf::KvView view;
};

size_t qkv_width(const nf::OpShape& shape) {
  return size_t{shape.num_heads + 2 * shape.num_kv_heads} * shape.head_dim;
}

void run_rope_append(Run& run) {
  Step step = random_step(run.random, 8);
  const RopeAngles angles(kMaxPositions, run.shape.head_dim);
  KvPages pages(run.subject, run.shape, step.num_pages());
  Tensor qkv(DType::kF32, operands(run.random, step.num_rows() * qkv_width(run.shape)));
  Tensor q(run.subject.operand, size_t{step.num_rows()} * run.shape.num_heads * run.shape.head_dim);
  const std::vector<float> norm = normal(run.random, 2 * size_t{run.shape.head_dim});
  const bool norms = pick(run.random, 0, 1) == 0;
  const nf::Batch batch = step.batch();
  OpArgs args;
  for (nf_sequence& sequence : step.sequences) {
    if (pick(run.random, 0, 1) == 0) sequence.flags |= NF_SEQUENCE_LONG_ROPE;
  }
  // Long sequences are turned the other way.
  args.rope_append = {{},
                      &batch,
                      qkv.data(),
                      q.data(),
                      pages.view,
                      {angles.cos.data(), angles.sin.data(), angles.sin.data(), angles.cos.data()},
                      run.shape.num_heads,
                      norms ? norm.data() : nullptr,
                      1e-5f,
                      0.375f};
  run.launch(args, args.rope_append.rows, {0, step.num_rows()});
  run.output.rows = step.num_rows();
  q.append_to(run.output);
  append_bytes(run.output, pages.memory.data(), pages.memory.size());
}

// Fills the pages of all sequences from position 0 with the subject's own rope_append.
void fill_pages(Run& run, const Step& step, KvPages& pages) {
  Step all = step.from_start();
  const RopeAngles angles(kMaxPositions, run.shape.head_dim);
  Tensor qkv(DType::kF32, operands(run.random, all.num_rows() * qkv_width(run.shape)));
  Tensor q(run.subject.operand, size_t{all.num_rows()} * run.shape.num_heads * run.shape.head_dim);
  const nf::Batch batch = all.batch();
  OpArgs args;
  args.rope_append = {{0, all.num_rows()},
                      &batch,
                      qkv.data(),
                      q.data(),
                      pages.view,
                      {angles.cos.data(), angles.sin.data()},
                      run.shape.num_heads,
                      nullptr,
                      0.0f,
                      1.0f};
  for (const nf::Kernel& kernel : run.subject.kernels) {
    if (kernel.kind != OpKind::kRopeAppend || !kernel.supports(run.shape)) continue;
    SerialLane lane(1, kernel.workspace(run.shape));
    kernel.launch(args, lane);
    return;
  }
  FAIL(run.subject.name + " has no rope_append for a shape its attention supports");
}

void run_attention(Run& run) {
  Step step = random_step(run.random, 8);
  KvPages pages(run.subject, run.shape, step.num_pages());
  fill_pages(run, step, pages);
  const size_t count = size_t{step.num_rows()} * run.shape.num_heads * run.shape.head_dim;
  const float deviation = 1.0f / std::sqrt(float(run.shape.head_dim));
  Tensor q(run.subject.operand, operands(run.random, count, deviation));
  Tensor out(run.subject.operand, count);
  const nf::Batch batch = step.batch();
  OpArgs args;
  const uint32_t window = pick(run.random, 0, 1) == 0 ? 0 : pick(run.random, 1, 200);
  const float softcap = pick(run.random, 0, 1) == 0 ? 0.0f : 0.75f;
  args.attention = {{},     &batch, q.data(), pages.view, out.data(), run.shape.num_heads,
                    window, softcap};
  const bool decode = run.kernel.kind == OpKind::kDecodeAttention;
  const uint32_t border = batch.num_decode_rows;
  const RowRange rows = decode ? RowRange{0, border} : RowRange{border, batch.num_rows};
  if (!rows.empty()) run.launch(args, args.attention.rows, rows);
  run.output.rows = step.num_rows();
  out.append_to(run.output);
}

void run_glu(Run& run) {
  const uint32_t width = run.shape.out;
  const uint32_t rows = pick(run.random, 1, 20);
  Tensor x(DType::kF32, normal(run.random, 2 * size_t{rows} * width, 3.0f));
  Tensor out(run.subject.operand, size_t{rows} * width);
  OpArgs args;
  args.glu = {{}, x.data(), out.data(), width};
  run.launch(args, args.glu.rows, {0, rows});
  run.output.rows = rows;
  out.append_to(run.output);
}

// Routing of rows [rows, 2 * slots] to random experts: to any, or mostly to a few of them.
std::vector<uint32_t> random_routing(Random& random, uint32_t rows, const nf::OpShape& shape) {
  std::vector<uint32_t> routing;
  std::vector<uint32_t> experts(shape.num_experts);
  const uint32_t kind = pick(random, 0, 2);  // 2: all rows to the same ones
  for (uint32_t row = 0; row < rows; ++row) {
    if (row == 0 || kind != 2) {
      std::iota(experts.begin(), experts.end(), 0);
      std::shuffle(experts.begin() + (kind == 1 ? 1 : 0), experts.end(), random);
      std::sort(experts.begin(), experts.begin() + shape.slots);
    }
    routing.insert(routing.end(), experts.begin(), experts.begin() + shape.slots);
    for (const float weight : normal(random, shape.slots, 0.5f)) {
      routing.push_back(std::bit_cast<uint32_t>(weight));
    }
  }
  return routing;
}

void run_route(Run& run) {
  const uint32_t rows = pick(run.random, 1, 20);
  const uint32_t width = 2 * run.shape.slots;
  std::vector<float> values = normal(run.random, size_t{rows} * run.shape.num_experts, 2.0f);
  if (pick(run.random, 0, 1) == 0) {  // many ties
    for (float& value : values) value = std::round(value);
  }
  Tensor logits(DType::kF32, values);
  const auto mark = std::bit_cast<uint32_t>(kUntouched);
  std::vector<uint32_t> routing(size_t{rows} * width, mark);
  const bool normalize = pick(run.random, 0, 1) == 0;
  OpArgs args;
  args.route = {{},       logits.floats(), routing.data(), run.shape.num_experts, run.shape.slots,
                normalize};
  run.launch(args, args.route.rows, {0, rows});
  run.output.rows = rows;
  for (size_t i = 0; i < routing.size(); ++i) {
    const bool expert = i % width < run.shape.slots && routing[i] != mark;
    run.output.values.push_back(expert ? float(routing[i]) : std::bit_cast<float>(routing[i]));
  }
  append_bytes(run.output, routing.data(), routing.size());
}

void run_grouped_gemm(Run& run) {
  const auto [out_width, in, slots] = std::tuple(run.shape.out, run.shape.in, run.shape.slots);
  const uint32_t rows = pick(run.random, 1, 40);
  const bool per_slot = pick(run.random, 0, 1) == 0;
  const float deviation = 1.0f / std::sqrt(float(in));
  Tensor a(run.subject.operand, operands(run.random, size_t{rows} * (per_slot ? slots : 1) * in));
  const size_t stride = run.subject.matrix_bytes(out_width, in, DType::kPlain) + 64;
  AlignedBytes weights(run.shape.num_experts * stride);
  for (uint32_t expert = 0; expert < run.shape.num_experts; ++expert) {
    Tensor source(DType::kBF16, operands(run.random, size_t{out_width} * in, deviation));
    run.subject.pack_matrix({out_width, in, 0, out_width, DType::kBF16}, source.data(),
                            weights.data() + expert * stride);
  }
  const std::vector<uint32_t> routing = random_routing(run.random, rows, run.shape);
  std::vector<uint32_t> order(size_t{rows} * slots, ~0u);
  Tensor out(DType::kF32, size_t{rows} * slots * out_width);
  OpArgs args;
  args.grouped_gemm = {
      {},
      a.data(),
      per_slot,
      {weights.data(), out_width, in, DType::kPlain, run.shape.num_experts, stride},
      {routing.data(), slots},
      order.data(),
      out.floats()};
  run.launch(args, args.grouped_gemm.rows, {0, rows});
  for (size_t i = 0; i < order.size(); ++i) {
    const auto row = uint32_t(i / slots);
    const bool launched = row >= run.output.launched.begin && row < run.output.launched.end;
    REQUIRE(launched || order[i] == ~0u);
  }
  run.output.rows = rows;
  out.append_to(run.output);
}

void run_combine_experts(Run& run) {
  const uint32_t hidden = run.shape.out;
  const uint32_t slots = run.shape.slots;
  const uint32_t rows = pick(run.random, 1, 20);
  Tensor outputs(DType::kF32, normal(run.random, size_t{rows} * slots * hidden));
  Tensor x(DType::kF32, normal(run.random, size_t{rows} * hidden));
  const std::vector<uint32_t> routing = random_routing(run.random, rows, run.shape);
  Tensor out(DType::kF32, size_t{rows} * hidden);
  OpArgs args;
  args.combine_experts = {{},         outputs.floats(), {routing.data(), slots},
                          x.floats(), out.floats(),     hidden};
  run.launch(args, args.combine_experts.rows, {0, rows});
  run.output.rows = rows;
  out.append_to(run.output);
}

// Everything a step hands back, sample by sample.
void append_samples(const Step& step, Output& output) {
  output.rows = step.num_samples();
  for (uint32_t i = 0; i < step.num_samples(); ++i) {
    output.values.push_back(float(step.out_tokens[i]));
    output.values.push_back(step.out_logprobs[i]);
    for (uint32_t rank = 0; rank < NF_MAX_LOGPROBS; ++rank) {
      output.values.push_back(float(step.out_top_tokens[i * NF_MAX_LOGPROBS + rank]));
      output.values.push_back(step.out_top_logprobs[i * NF_MAX_LOGPROBS + rank]);
    }
  }
  append_bytes(output, output.values.data(), output.values.size());
  append_bytes(output, step.last_tokens.data(), step.last_tokens.size());
}

// Marks results as the other ops' outputs are marked.
Step random_samples(Random& random, uint32_t vocab) {
  Step step = random_step(random, vocab);
  std::fill(step.out_tokens.begin(), step.out_tokens.end(), int32_t(kUntouched));
  std::fill(step.out_logprobs.begin(), step.out_logprobs.end(), kUntouched);
  std::fill(step.out_top_tokens.begin(), step.out_top_tokens.end(), int32_t(kUntouched));
  std::fill(step.out_top_logprobs.begin(), step.out_top_logprobs.end(), kUntouched);
  return step;
}

void score_random(Random& random, uint32_t vocab, nf_sampling& sampling) {
  sampling.flags |= NF_SAMPLING_SCORE;
  sampling.target = pick(random, 0, vocab - 1);
}

void run_sample(Run& run) {
  const uint32_t vocab = run.shape.out;
  Step step = random_samples(run.random, vocab);
  for (nf_sampling& sampling : step.sampling) {
    sampling.temperature = float(pick(run.random, 0, 2)) * 0.6f;
    sampling.top_k = pick(run.random, 0, 8);
    sampling.presence_penalty = float(pick(run.random, 0, 1));
    sampling.num_logprobs = pick(run.random, 0, NF_MAX_LOGPROBS);
    sampling.seed = run.random();
    if (pick(run.random, 0, 2) == 0) score_random(run.random, vocab, sampling);
  }
  Tensor logits(DType::kF32, normal(run.random, size_t{step.num_samples()} * vocab, 2.0f));
  const nf::Batch batch = step.batch();
  OpArgs args;
  args.sample = {{}, &batch, logits.floats(), vocab};
  run.launch(args, args.sample.rows, {0, step.num_samples()});
  append_samples(step, run.output);
}

void run_echo(Run& run) {
  Step step = random_samples(run.random, run.shape.out);
  for (nf_sampling& sampling : step.sampling) {
    if (pick(run.random, 0, 1) == 0) score_random(run.random, run.shape.out, sampling);
  }
  const nf::Batch batch = step.batch();
  OpArgs args;
  args.echo = {{}, &batch, run.shape.out};
  run.launch(args, args.echo.rows, {0, step.num_samples()});
  append_samples(step, run.output);
}

void run_pool(Run& run) {
  constexpr uint32_t kFlags[] = {0, NF_SEQUENCE_POOL_FIRST, NF_SEQUENCE_POOL_LAST,
                                 NF_SEQUENCE_POOL_MEAN};
  const uint32_t hidden = run.shape.out;
  Step step = random_step(run.random, 8);
  for (nf_sequence& sequence : step.sequences) sequence.flags |= kFlags[pick(run.random, 0, 3)];
  const auto count = uint32_t(step.sequences.size());
  step.pooled.assign(size_t{count} * hidden, kUntouched);
  Tensor x(DType::kF32, normal(run.random, size_t{step.num_rows()} * hidden));
  const std::vector<float> weight = normal(run.random, hidden);
  const nf::Batch batch = step.batch();
  OpArgs args;
  args.pool = {{}, &batch, x.floats(), weight.data(), hidden, 1e-5f};
  run.launch(args, args.pool.rows, {0, count});
  run.output.rows = count;
  for (const nf_sequence& sequence : step.sequences) {
    const float* row = step.pooled.data() + size_t{sequence.slot} * hidden;
    run.output.values.insert(run.output.values.end(), row, row + hidden);
  }
  append_bytes(run.output, run.output.values.data(), run.output.values.size());
  append_bytes(run.output, step.pooled_rows.data(), step.pooled_rows.size());
}

// Any width, but multiples of a cache line as often as not: kernels may support only those.
uint32_t random_width(Random& random, uint32_t high) {
  return pick(random, 0, 1) == 0 ? pick(random, 1, high) : 64 * pick(random, 1, high / 64);
}

}  // namespace

OpCase random_case(OpKind kind, DType weight, Random& random) {
  constexpr uint32_t kHeadDims[] = {2, 8, 32, 64, 80, 128, 256};
  nf::OpShape shape;
  shape.out = random_width(random, 320);
  shape.in = random_width(random, 320);
  if (kind == OpKind::kRopeAppend || kind == OpKind::kDecodeAttention ||
      kind == OpKind::kPrefillAttention) {
    shape.head_dim = kHeadDims[pick(random, 0, 6)];
    shape.num_kv_heads = pick(random, 1, 3);
    shape.num_heads = shape.num_kv_heads * pick(random, 1, 4);
  }
  if (kind == OpKind::kRoute || kind == OpKind::kGroupedGemm || kind == OpKind::kCombineExperts) {
    const bool many = kind == OpKind::kRoute && pick(random, 0, 3) == 0;
    shape.num_experts = many ? pick(random, 1, NF_MAX_EXPERTS) : pick(random, 1, 12);
    shape.slots = pick(random, 1, std::min<uint32_t>(shape.num_experts, many ? 32 : 6));
  }
  // Blocks run along the row that a GEMM reduces, and that an embedding copies.
  if (is_block_format(weight)) {
    const uint32_t elements = nf::block_format(weight).elements;
    (kind == OpKind::kGemm ? shape.in : shape.out) = elements * pick(random, 1, 640 / elements);
  }
  return {kind, shape, random(), weight};
}

Output run_case(const Subject& subject, const nf::Kernel& kernel, const OpCase& c, Split split) {
  static constexpr void (*kRunners[])(Run&) = {
      run_embedding,       run_rms_norm, run_gemm, run_rope_append, run_attention,
      run_attention,       run_glu,      run_glu,  run_route,       run_grouped_gemm,
      run_combine_experts, run_sample,   run_echo, run_pool};
  static_assert(sizeof(kRunners) / sizeof(kRunners[0]) == size_t(OpKind::kCount));
  Run run(subject, kernel, c, split);
  kRunners[size_t(c.kind)](run);
  return std::move(run.output);
}

}  // namespace test
