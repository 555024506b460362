// The weightless model: the next token is the last one plus one, modulo V, with probability 1.
#include "cpu/kernels/kernels.h"

namespace nf::cpu {
namespace {

void echo_sample(const EchoArgs& args, uint32_t sample) {
  const Batch& batch = *args.batch;
  const uint32_t row = batch.sample_row[sample];
  const auto last = static_cast<uint32_t>(resolve_token(batch, row));
  const auto token = static_cast<int32_t>((last + 1) % args.vocab);
  batch.last_tokens[batch.sequences[batch.row_sequence[row]].slot] = token;
  batch.out_tokens[sample] = token;
  batch.out_logprobs[sample] = 0.0f;
  for (uint32_t i = 0; i < NF_MAX_LOGPROBS; ++i) {
    const size_t at = size_t{sample} * NF_MAX_LOGPROBS + i;
    batch.out_top_tokens[at] = i == 0 ? token : -1;  // there is no second candidate
    batch.out_top_logprobs[at] = i == 0 ? 0.0f : -__builtin_inff();
  }
}

}  // namespace

void echo(const OpArgs& op, Lane&) {
  for (uint32_t s = op.echo.rows.begin; s < op.echo.rows.end; ++s) echo_sample(op.echo, s);
}

size_t echo_workspace(const OpShape&) { return 0; }

bool echo_supports(const OpShape& shape) { return shape.out > 0; }

}  // namespace nf::cpu
