// Where tokens come in and go out: embedding, sampling and its stand-in, pooling.
#include <memory>

#include "bench/bench_step.h"
#include "bench/case_makers.h"
#include "cpu/pack.h"

namespace nf::bench {
namespace {

constexpr nf_sampling kGreedy = {.temperature = 0,
                                 .top_p = 1,
                                 .min_p = 0,
                                 .repetition_penalty = 1,
                                 .presence_penalty = 0,
                                 .frequency_penalty = 0,
                                 .top_k = 0,
                                 .num_logprobs = 0,
                                 .seed = 0,
                                 .bias_begin = 0,
                                 .bias_count = 0,
                                 .flags = 0,
                                 .target = 0};

struct Way {
  const char* name;
  nf_sampling sampling;
};

std::vector<Way> ways_to_sample() {
  nf_sampling top_p = kGreedy;
  top_p.temperature = 0.8f;
  top_p.top_p = 0.95f;
  nf_sampling top_k = top_p;
  top_k.top_k = 50;
  return {{"greedy", kGreedy}, {"top_p", top_p}, {"top_k+top_p", top_k}};
}

Case sample(const Kernel& kernel, uint32_t vocab, uint32_t samples, const Way& way) {
  Case c{.kernel = &kernel, .rows = samples};
  c.shape = std::to_string(vocab) + " " + way.name;
  c.op.out = vocab;
  c.source = Source::kLogits;
  c.source_bytes = size_t{samples} * vocab * sizeof(float);
  c.bytes = static_cast<double>(c.source_bytes);
  c.prepare = [vocab, samples, sampling = way.sampling] {
    auto step = std::make_shared<BenchStep>(samples, 0, 1);
    step->sample(sampling);
    return [=](const Operands& operands) {
      OpArgs args;
      args.sample = {.rows = {0, samples},
                     .batch = &step->batch(),
                     .logits = reinterpret_cast<const float*>(operands.source),
                     .vocab = vocab};
      return args;
    };
  };
  return c;
}

}  // namespace

// Of a table that is packed as a matrix a row has some bytes in many cache lines; those of the row
// count.
void make_embedding(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  const uint32_t rows = suite.rows;
  for (const Matrix& table : suite.vocabularies) {
    Case c{.kernel = &kernel, .rows = rows};
    c.shape = std::to_string(table.out) + "x" + std::to_string(table.in);
    c.op.out = table.in;
    c.op.in = table.out;
    c.source_bytes = cpu::matrix_bytes(table.out, table.in);
    c.target_bytes = rows * row_bytes(DType::kF32, table.in);
    c.target_goes_round = true;
    c.bytes = static_cast<double>(rows * row_bytes(DType::kBF16, table.in) + c.target_bytes);
    c.prepare = [=] {
      auto step = std::make_shared<BenchStep>(1, 0, rows);
      return [=](const Operands& operands) {
        step->set_tokens(table.out, operands.turn);
        OpArgs args;
        args.embedding = {.rows = {0, rows},
                          .batch = &step->batch(),
                          .table = {operands.source, table.out, table.in},
                          .out = reinterpret_cast<float*>(operands.target)};
        return args;
      };
    };
    cases.push_back(std::move(c));
  }
}

void make_sample(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  for (const Matrix& table : suite.vocabularies) {
    for (const Way& way : ways_to_sample()) {
      cases.push_back(sample(kernel, table.out, suite.samples, way));
    }
  }
}

void make_echo(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  const uint32_t samples = suite.samples;
  const uint32_t vocab = suite.vocabularies.front().out;
  Case c{.kernel = &kernel, .shape = std::to_string(vocab), .rows = samples};
  c.op.out = vocab;
  c.prepare = [=] {
    auto step = std::make_shared<BenchStep>(samples, 0, 1);
    step->sample(kGreedy);
    return [=](const Operands&) {
      OpArgs args;
      args.echo = {.rows = {0, samples}, .batch = &step->batch(), .vocab = vocab};
      return args;
    };
  };
  cases.push_back(std::move(c));
}

// The mean of all rows of a sequence.
void make_pool(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  constexpr uint32_t kSequences = 4;
  const uint32_t rows = suite.rows / kSequences;
  for (const uint32_t width : suite.widths) {
    Case c{.kernel = &kernel, .rows = kSequences * rows};
    c.shape = std::to_string(width) + " of " + std::to_string(kSequences);
    c.op.out = width;
    c.warm_bytes = row_bytes(DType::kF32, width);
    c.source_bytes = c.rows * row_bytes(DType::kF32, width);
    c.bytes = static_cast<double>(c.source_bytes);
    c.prepare = [=] {
      auto step = std::make_shared<BenchStep>(kSequences, 0, rows);
      step->pool(NF_SEQUENCE_POOL_MEAN, width);
      return [=](const Operands& operands) {
        OpArgs args;
        args.pool = {.rows = {0, kSequences},
                     .batch = &step->batch(),
                     .x = reinterpret_cast<const float*>(operands.source),
                     .weight = reinterpret_cast<const float*>(operands.warm),
                     .hidden = width,
                     .epsilon = 1e-5f};
        return args;
      };
    };
    cases.push_back(std::move(c));
  }
}

}  // namespace nf::bench
