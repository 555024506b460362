// The penalty counts of a slot, [vocab] 16-bit words: which tokens its sequence has, and how often.
//
// Embedding keeps them: whoever embeds the first row of a sequence counts all rows the sequence has
// in the step, so that no two nano-ops touch one slot. A sequence without NF_SEQUENCE_COUNT leaves
// its counts untouched, and nothing reads them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "batch.h"

namespace nf {

NF_HOST_DEVICE inline bool is_first_row(const Batch& batch, uint32_t row) {
  return row == 0 || batch.row_sequence[row - 1] != batch.row_sequence[row];
}

// Notes one more token: in the prompt, or once more in the output (the count saturates).
NF_HOST_DEVICE inline void count_token(uint16_t& count, bool in_prompt) {
  if (in_prompt) {
    count = uint16_t(count | kInPrompt);
  } else if ((count & ~uint32_t{kInPrompt}) != 0x7fff) {
    ++count;
  }
}

// Counts the tokens of the sequence that starts at first_row, after forgetting those of the slot's
// previous owner if this is its first step.
inline void count_sequence_tokens(const Batch& batch, uint32_t first_row, uint32_t vocab) {
  const nf_sequence& sequence = batch.sequences[batch.row_sequence[first_row]];
  if (batch.penalty_counts == nullptr || (sequence.flags & NF_SEQUENCE_COUNT) == 0) return;
  uint16_t* counts = batch.penalty_counts + size_t{sequence.slot} * vocab;
  if ((sequence.flags & NF_SEQUENCE_RESET) != 0) std::fill_n(counts, vocab, uint16_t{0});
  for (uint32_t i = 0; i < sequence.row_count; ++i) {
    const auto token = uint32_t(resolve_token(batch, first_row + i));
    count_token(counts[token], sequence.position + i < sequence.prompt_tokens);
  }
}

}  // namespace nf
