// Embedding lookup from the packed table, and the penalty counts of the step's tokens.
//
// Traffic of a row: 4 bytes of every second cache line of a panel (128 H / 2 bytes touched), 4 H
// written.
//
// A step may be embedded by several nano-ops on several lanes. All counting of a sequence (clearing
// for a new owner, then its rows in order) belongs to the task that embeds the sequence's first
// row, so that it is never concurrent: every sequence has a slot, and a row of counts, of its own.
#include <cstring>

#include "core/check.h"
#include "cpu/kernels/kernels.h"
#include "cpu/pack.h"

namespace nf::cpu {
namespace {

// A row whose predecessor had no finite logit carries no token: it embeds as zeros.
bool is_token(int32_t token, uint32_t vocab) {
  return token >= 0 && static_cast<uint32_t>(token) < vocab;
}

void count_token(uint16_t& count, bool in_prompt) {
  if (in_prompt) {
    count |= kInPrompt;
  } else if ((count & ~kInPrompt) != 0x7fff) {
    ++count;
  }
}

// Counts are touched only for sequences that ask for them; others never read them.
void count_sequence(const EmbeddingArgs& args, uint32_t first_row) {
  const Batch& batch = *args.batch;
  const nf_sequence& sequence = batch.sequences[batch.row_sequence[first_row]];
  if ((sequence.flags & NF_SEQUENCE_COUNT) == 0) return;
  const uint32_t vocab = args.table.out;
  uint16_t* counts = batch.penalty_counts + size_t{sequence.slot} * vocab;
  if (sequence.flags & NF_SEQUENCE_RESET) std::memset(counts, 0, vocab * sizeof(uint16_t));
  for (uint32_t row = first_row; row < first_row + sequence.row_count; ++row) {
    const int32_t token = resolve_token(batch, row);
    if (!is_token(token, vocab)) continue;
    count_token(counts[token], batch.row_position[row] < sequence.prompt_tokens);
  }
}

bool starts_sequence(const Batch& batch, uint32_t row) {
  return row == 0 || batch.row_sequence[row] != batch.row_sequence[row - 1];
}

void embed_row(const EmbeddingArgs& args, uint32_t row) {
  const int32_t token = resolve_token(*args.batch, row);
  float* out = args.out + size_t{row} * args.table.in;
  if (is_token(token, args.table.out)) {
    unpack_row(args.table, static_cast<uint32_t>(token), out);
  } else {
    std::memset(out, 0, args.table.in * sizeof(float));
  }
}

}  // namespace

void embedding(const OpArgs& op, Lane& lane) {
  const EmbeddingArgs& args = op.embedding;
  if (args.rows.empty()) return;
  constexpr uint32_t kTaskRows = 4;
  const uint32_t tasks = (args.rows.size() + kTaskRows - 1) / kTaskRows;
  lane.for_each(tasks, [&](uint32_t task, uint32_t) {
    const uint32_t begin = args.rows.begin + task * kTaskRows;
    const uint32_t end = args.rows.end - begin < kTaskRows ? args.rows.end : begin + kTaskRows;
    for (uint32_t row = begin; row < end; ++row) {
      if (starts_sequence(*args.batch, row)) count_sequence(args, row);
      embed_row(args, row);
    }
  });
}

size_t embedding_workspace(const OpShape&) { return 0; }

bool embedding_supports(const OpShape&) { return true; }

}  // namespace nf::cpu
