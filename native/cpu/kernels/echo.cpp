// The weightless model: the next token is the last one plus one, modulo V, with probability 1.
#include "core/sampling.h"
#include "cpu/kernels/kernels.h"

namespace nf::cpu {
namespace {

void echo_sample(const EchoArgs& args, uint32_t sample) {
  const uint32_t row = args.batch->sample_row[sample];
  const auto last = static_cast<uint32_t>(resolve_token(*args.batch, row));
  const auto token = static_cast<int32_t>((last + 1) % args.vocab);
  SampleOutput output(*args.batch, sample);
  const nf_sampling& sampling = args.batch->sampling[sample];
  if (is_scored(sampling)) {
    const auto target = static_cast<int32_t>(sampling.target);
    output.set_token(target, target == token ? 0.0f : kBanned);
  } else {
    output.set_token(token, 0.0f);
  }
  output.set_alternative(0, token, 0.0f);  // there is no second candidate
}

}  // namespace

void echo(const OpArgs& op, Lane&) {
  for (uint32_t s = op.echo.rows.begin; s < op.echo.rows.end; ++s) echo_sample(op.echo, s);
}

size_t echo_workspace(const OpShape&) { return 0; }

bool echo_supports(const OpShape& shape) { return shape.out > 0; }

}  // namespace nf::cpu
