// Builds the arguments of each kind of op from a case, and launches a kernel on them.
#include "kernel_cases.h"

#include <bit>
#include <cmath>
#include <tuple>

#include "case_run.h"
#include "check.h"

namespace test {
namespace {

using nf::DType;
using nf::OpArgs;
using nf::OpKind;
using nf::RowRange;

constexpr uint32_t kPageTokens = 16;
constexpr uint32_t kMaxPositions = 256;  // above what random_sequences makes

Step random_step(Run& run, uint32_t vocab) {
  Random& random = run.random;
  const uint32_t num_decode = pick(random, 0, 6);
  const uint32_t num_prefill = pick(random, num_decode == 0 ? 1 : 0, 3);
  const uint32_t padding = pick(random, 0, 3);
  auto specs = random_sequences(random, num_decode, num_prefill);
  specs.back().flags |= NF_SEQUENCE_SAMPLE;
  Step step(specs, {.page_tokens = kPageTokens, .vocab = vocab, .num_decode = num_decode}, random);
  if (run.subject.pads && num_prefill == 0) step.pad(padding);
  return step;
}

void run_embedding(Run& run) {
  const uint32_t vocab = run.shape.in;
  const uint32_t hidden = run.shape.out;
  Step step = random_step(run, vocab);
  const PackedMatrix table(run, vocab, hidden);
  Tensor out(DType::kF32, size_t{step.all_rows()} * hidden);
  const nf::Batch batch = step.batch();
  OpArgs args;
  const float scale = pick(run.random, 0, 1) == 0 ? 1.0f : 7.25f;
  args.embedding = {{}, &batch, table.view(), out.floats(), scale};
  run.launch(args, args.embedding.rows, {0, step.num_rows()}, step.padding);
  run.output.rows = step.num_rows();
  out.append_to(run.output, size_t{step.num_rows()} * hidden);
  append_bytes(run.output.state, step.penalty_counts.data(), step.penalty_counts.size());
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
  Step step = random_step(run, 8);
  const RopeAngles angles(kMaxPositions, run.shape.head_dim);
  KvPages pages(run.subject, run.shape, step.num_pages());
  const DType product = run.product();
  Tensor qkv(product, operands(run.random, step.num_rows() * qkv_width(run.shape)));
  const size_t q_width = size_t{run.shape.num_heads} * run.shape.head_dim;
  Tensor q(run.subject.operand, step.all_rows() * q_width);
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
                      0.375f,
                      product};
  run.launch(args, args.rope_append.rows, {0, step.num_rows()}, step.padding);
  run.output.rows = step.num_rows();
  q.append_to(run.output, step.num_rows() * q_width);
  append_bytes(run.output.bytes, pages.memory.data(), pages.memory.size());
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
    const auto lane = run.subject.open_lane(1, kernel.workspace(run.shape));
    kernel.launch(args, lane->lane());
    lane->finish();
    return;
  }
  FAIL(run.subject.name + " has no rope_append for a shape its attention supports");
}

void run_attention(Run& run) {
  Step step = random_step(run, 8);
  KvPages pages(run.subject, run.shape, step.num_pages());
  fill_pages(run, step, pages);
  const size_t width = size_t{run.shape.num_heads} * run.shape.head_dim;
  const float deviation = 1.0f / std::sqrt(float(run.shape.head_dim));
  Tensor q(run.subject.operand, operands(run.random, step.num_rows() * width, deviation));
  Tensor out(run.subject.operand, step.all_rows() * width);
  const nf::Batch batch = step.batch();
  OpArgs args;
  const uint32_t window = pick(run.random, 0, 1) == 0 ? 0 : pick(run.random, 1, 200);
  const float softcap = pick(run.random, 0, 1) == 0 ? 0.0f : 0.75f;
  args.attention = {{},     &batch, q.data(), pages.view, out.data(), run.shape.num_heads,
                    window, softcap};
  const bool decode = run.kernel.kind == OpKind::kDecodeAttention;
  const uint32_t border = batch.num_decode_rows;
  const RowRange rows =
      decode ? RowRange{0, border - step.padding} : RowRange{border, step.num_rows()};
  if (!rows.empty()) run.launch(args, args.attention.rows, rows, decode ? step.padding : 0);
  run.output.rows = step.num_rows();
  out.append_to(run.output, step.num_rows() * width);
}

void run_glu(Run& run) {
  const uint32_t width = run.shape.out;
  const uint32_t rows = pick(run.random, 1, 20);
  const DType product = run.product();
  Tensor x(product, operands(run.random, 2 * size_t{rows} * width, 3.0f));
  Tensor out(run.subject.operand, size_t{rows} * width);
  OpArgs args;
  args.glu = {{}, x.data(), out.data(), width, product};
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
  append_bytes(run.output.bytes, routing.data(), routing.size());
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
  const DType product = run.product();
  Tensor out(product, size_t{rows} * slots * out_width);
  OpArgs args;
  args.grouped_gemm = {
      {},
      a.data(),
      per_slot,
      {weights.data(), out_width, in, DType::kPlain, run.shape.num_experts, stride},
      {routing.data(), slots},
      order.data(),
      out.data(),
      product};
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
  append_bytes(output.bytes, output.values.data(), output.values.size());
  append_bytes(output.state, step.last_tokens.data(), step.last_tokens.size());
}

// Marks results as the other ops' outputs are marked.
Step random_samples(Run& run, uint32_t vocab) {
  Step step = random_step(run, vocab);
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
  Step step = random_samples(run, vocab);
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
  Step step = random_samples(run, run.shape.out);
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
  Step step = random_step(run, 8);
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
  append_bytes(run.output.bytes, run.output.values.data(), run.output.values.size());
  append_bytes(run.output.state, step.pooled_rows.data(), step.pooled_rows.size());
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
  // Gate and up have whole panels, for kernels that take no other.
  if (kind == OpKind::kGemmSwiGlu || kind == OpKind::kGemmGeGlu) {
    shape.out = 64 * pick(random, 1, 5);
  }
  // Blocks run along the row that a GEMM reduces, and that an embedding copies.
  if (is_block_format(weight)) {
    const uint32_t elements = nf::block_format(weight).elements;
    (kind == OpKind::kGemm ? shape.in : shape.out) = elements * pick(random, 1, 640 / elements);
  }
  return {kind, shape, random(), weight};
}

// A SerialLane as the lane of a case.
class SerialCaseLane final : public CaseLane {
 public:
  SerialCaseLane(uint32_t units, size_t scratch_bytes) : lane_(units, scratch_bytes) {}
  nf::Lane& lane() override { return lane_; }
  bool scratch_intact() const override { return lane_.scratch_intact(); }

 private:
  SerialLane lane_;
};

std::unique_ptr<CaseLane> open_serial_lane(uint32_t units, size_t scratch_bytes) {
  return std::make_unique<SerialCaseLane>(units, scratch_bytes);
}

Output run_case(const Subject& subject, const nf::Kernel& kernel, const OpCase& c, Split split) {
  static constexpr void (*kRunners[])(Run&) = {
      run_embedding, run_rms_norm,     run_rms_norm_quantize, run_quantize,  run_gemm, run_gemm_glu,
      run_gemm_glu,  run_rope_append,  run_attention,         run_attention, run_glu,  run_glu,
      run_route,     run_grouped_gemm, run_combine_experts,   run_sample,    run_echo, run_pool};
  static_assert(sizeof(kRunners) / sizeof(kRunners[0]) == size_t(OpKind::kCount));
  Run run(subject, kernel, c, split);
  kRunners[size_t(c.kind)](run);
  return std::move(run.output);
}

}  // namespace test
