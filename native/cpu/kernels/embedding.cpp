// Embedding lookup from the packed table, and the penalty counts of the step's tokens.
//
// Traffic of a row: 4 bytes of every second cache line of a panel (128 H / 2 bytes touched), 4 H
// written.
//
// A step may be embedded by several nano-ops on several lanes. All counting of a sequence belongs
// to the task that embeds its first row (penalty_counts.h), so that it is never concurrent.
#include "core/check.h"
#include "core/penalty_counts.h"
#include "cpu/kernels/kernels.h"
#include "cpu/pack.h"

namespace nf::cpu {
namespace {

void embed_row(const EmbeddingArgs& args, uint32_t row) {
  const auto token = static_cast<uint32_t>(resolve_token(*args.batch, row));
  NF_ASSERT(token < args.table.out);
  if (is_first_row(*args.batch, row)) count_sequence_tokens(*args.batch, row, args.table.out);
  float* out = args.out + size_t{row} * args.table.in;
  unpack_row(args.table, token, out);
  if (args.scale == 1) return;
  for (uint32_t i = 0; i < args.table.in; ++i) out[i] *= args.scale;
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
    for (uint32_t row = begin; row < end; ++row) embed_row(args, row);
  });
}

size_t embedding_workspace(const OpShape&) { return 0; }

bool embedding_supports(const OpShape&) { return true; }

}  // namespace nf::cpu
