// A launch that is timed: a row of the kernel table, a shape, and what a launch of it does at
// least.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/peaks.h"
#include "core/backend.h"

namespace nf::bench {

// What the memory that launches stream from holds.
enum class Source : uint8_t {
  kNumbers,  // bits that are small positive numbers as bf16, fp16 and fp32
  kLogits,   // fp32, spread like those of a language model
};

// The memory of one launch. A launch gets other bytes than the one before: its source (and target,
// where the case says so) goes round in far more memory than the caches hold, as the weights of the
// layers do in a model.
struct Operands {
  const std::byte* warm;    // numbers, the same for all launches: activations that were just made
  const std::byte* source;  // [source_bytes]
  std::byte* target;        // [target_bytes]
  uint64_t turn;            // counts launches
};

struct Case {
  const Kernel* kernel = nullptr;
  OpShape op = {};
  std::string shape = {};  // for people
  uint32_t rows = 0;
  Arithmetic arithmetic = Arithmetic::kF32;
  double operations = 0;  // of products and attention, one multiply-add being two; others: 0
  // What a launch must move between memory and the caches: weights and KV pages, and of ops that
  // have neither their rows.
  double bytes = 0;

  Source source = Source::kNumbers;
  size_t warm_bytes = 0;
  size_t source_bytes = 0;
  size_t target_bytes = 0;
  bool target_goes_round = false;

  // Makes what else a launch needs, and returns what binds launches.
  using Bind = std::function<OpArgs(const Operands&)>;
  std::function<Bind()> prepare = {};
};

struct Matrix {
  uint32_t out;
  uint32_t in;
};

struct Heads {
  uint32_t query;
  uint32_t kv;
  uint32_t dim;
};

struct Experts {
  uint32_t count;
  uint32_t slots;
  uint32_t out;
  uint32_t in;
};

// Which shapes there are cases for.
struct Suite {
  std::vector<uint32_t> product_rows;
  std::vector<Matrix> matrices;        // in every format
  std::vector<Matrix> layer_matrices;  // of models: in the formats that a backend makes itself
  std::vector<Matrix> head_matrices;   // likewise, for sampled rows only
  std::vector<Experts> experts;
  std::vector<Heads> heads;
  uint32_t decode_rows;
  uint32_t decode_context;
  uint32_t prefill_rows;
  uint32_t prefill_context;  // before the rows
  uint32_t rows;             // of the other ops
  std::vector<uint32_t> widths;
  std::vector<Matrix> vocabularies;  // [V, H]
  uint32_t samples;
};

// That of `nanoflow bench kernels`.
Suite full_suite();

// Every row of the table with every shape of the suite that it supports.
std::vector<Case> make_cases(std::span<const Kernel> table, const Suite& suite);

}  // namespace nf::bench
