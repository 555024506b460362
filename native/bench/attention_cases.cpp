// Attention and what fills its pages. Queries were just made; keys and values come from memory.
#include <memory>

#include "bench/bench_step.h"
#include "bench/case_makers.h"
#include "cpu/pack.h"

namespace nf::bench {
namespace {

std::string text_of(const Heads& heads) {
  return std::to_string(heads.query) + "/" + std::to_string(heads.kv) + "x" +
         std::to_string(heads.dim);
}

Case heads_case(const Kernel& kernel, const Heads& heads, uint32_t rows) {
  Case c{.kernel = &kernel, .shape = text_of(heads), .rows = rows};
  c.op.num_heads = heads.query;
  c.op.num_kv_heads = heads.kv;
  c.op.head_dim = heads.dim;
  return c;
}

size_t page_bytes(const Heads& heads) {
  return cpu::kv_page_bytes(kPageTokens, heads.kv, heads.dim);
}

KvView pages_at(const std::byte* layer, const Heads& heads) {
  return {const_cast<std::byte*>(layer), page_bytes(heads), kPageTokens, heads.kv, heads.dim};
}

// `count` sequences, each with `rows` rows after `position` tokens.
Case attention(const Kernel& kernel, const Heads& heads, uint32_t count, uint32_t position,
               uint32_t rows) {
  const double row_bytes_of_q = 2.0 * heads.query * heads.dim;
  const double attended = rows * (position + 1.0) + rows * (rows - 1.0) / 2;  // of a sequence
  const double tokens = position + rows;
  Case c = heads_case(kernel, heads, count * rows);
  c.arithmetic = Arithmetic::kBF16;
  c.operations = 4.0 * count * attended * heads.query * heads.dim;
  c.bytes = count * tokens * 2 * heads.kv * heads.dim * 2;
  c.warm_bytes = static_cast<size_t>(c.rows * row_bytes_of_q);
  c.target_bytes = c.warm_bytes;
  const uint32_t pages = (position + rows + kPageTokens - 1) / kPageTokens;
  c.source_bytes = size_t{count} * pages * page_bytes(heads);
  c.prepare = [=] {
    auto step = std::make_shared<BenchStep>(count, position, rows);
    return [heads, step](const Operands& operands) {
      OpArgs args;
      args.attention = {.rows = {0, step->batch().num_rows},
                        .batch = &step->batch(),
                        .q = operands.warm,
                        .kv = pages_at(operands.source, heads),
                        .out = operands.target,
                        .num_heads = heads.query,
                        .window = 0};
      return args;
    };
  };
  return c;
}

// One chunk of a prompt.
Case rope_append(const Kernel& kernel, const Heads& heads, uint32_t rows) {
  const size_t q_bytes = size_t{rows} * heads.query * heads.dim * 2;
  const size_t kv_bytes = size_t{rows} * 2 * heads.kv * heads.dim * 2;
  const uint32_t pages = (rows + kPageTokens - 1) / kPageTokens;
  Case c = heads_case(kernel, heads, rows);
  c.source_bytes = size_t{rows} * (heads.query + 2 * heads.kv) * heads.dim * sizeof(float);
  c.target_bytes = q_bytes + pages * page_bytes(heads);
  c.target_goes_round = true;
  c.bytes = static_cast<double>(c.source_bytes + q_bytes + kv_bytes);
  c.prepare = [=] {
    auto step = std::make_shared<BenchStep>(1, 0, rows);
    auto angles = std::make_shared<std::vector<float>>(size_t{rows} * heads.dim / 2, 0.7071f);
    return [=](const Operands& operands) {
      OpArgs args;
      args.rope_append = {.rows = {0, rows},
                          .batch = &step->batch(),
                          .qkv = operands.source,
                          .q = operands.target,
                          .kv = pages_at(operands.target + q_bytes, heads),
                          .rope = {angles->data(), angles->data()},
                          .num_heads = heads.query,
                          .qk_norm = nullptr,
                          .epsilon = 0,
                          .scale = 0.125f};
      return args;
    };
  };
  return c;
}

}  // namespace

void make_rope_append(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  for (const Heads& heads : suite.heads) cases.push_back(rope_append(kernel, heads, suite.rows));
}

void make_decode_attention(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  for (const Heads& heads : suite.heads) {
    cases.push_back(attention(kernel, heads, suite.decode_rows, suite.decode_context - 1, 1));
    cases.back().shape += " of " + std::to_string(suite.decode_context);
  }
}

void make_prefill_attention(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  for (const Heads& heads : suite.heads) {
    cases.push_back(attention(kernel, heads, 1, suite.prefill_context, suite.prefill_rows));
    cases.back().shape += " after " + std::to_string(suite.prefill_context);
  }
}

}  // namespace nf::bench
