// The rows of one step as the kernels see them: the caller's buffers plus what is derived per row.
//
// Rows: decode sequences first (one row each), then prefill chunks. A sequence's rows are
// contiguous. A sample is a row after which a token is drawn or scored: the last row of a sequence
// that asks for it, or all its rows.
#pragma once

#include <cstdint>

#include "host_device.h"
#include "nanoflow.h"

namespace nf {

struct RowRange {
  uint32_t begin = 0;
  uint32_t end = 0;
  NF_HOST_DEVICE uint32_t size() const { return end - begin; }
  NF_HOST_DEVICE bool empty() const { return begin >= end; }
};

// In row_sequence: the row only fills up a step whose launches were captured for more rows. Nothing
// reads what is computed for it.
constexpr uint32_t kNoSequence = ~0u;

struct Batch {
  uint32_t num_rows = 0;
  uint32_t num_decode_rows = 0;
  uint32_t num_sequences = 0;
  uint32_t num_samples = 0;

  const int32_t* tokens = nullptr;         // [num_rows]; -1: last_tokens[slot]
  const uint32_t* row_sequence = nullptr;  // [num_rows] index into sequences
  const uint32_t* row_position = nullptr;  // [num_rows]
  const nf_sequence* sequences = nullptr;  // [num_sequences]
  const uint32_t* first_row = nullptr;     // [num_sequences] of the sequence in this step
  const uint32_t* pages = nullptr;         // page tables, indexed by sequence.page_begin

  // How attention is cut into pieces of work, where a backend wants that (cuda/attention_work.h).
  const uint32_t* first_part = nullptr;  // [num_decode_rows + 1] running number of parts of rows
  const uint32_t* first_tile = nullptr;  // [num_sequences + 1] running number of tiles of rows

  const uint32_t* sample_row = nullptr;   // [num_samples]
  const nf_sampling* sampling = nullptr;  // [num_samples]; complete once the step is released
  const nf_bias* bias = nullptr;
  const uint32_t* masks = nullptr;  // [num_samples, mask_words]
  uint32_t mask_words = 0;

  int32_t* last_tokens = nullptr;      // [max_sequences] per slot, lives across steps
  uint16_t* penalty_counts = nullptr;  // [max_sequences, vocab]; see penalty_counts.h

  float* pooled = nullptr;  // [max_sequences, H] per slot, lives across steps; see pooling.h
  uint32_t* pooled_rows = nullptr;  // [max_sequences] how many rows are summed there

  int32_t* out_tokens = nullptr;      // [num_samples]
  float* out_logprobs = nullptr;      // [num_samples]
  int32_t* out_top_tokens = nullptr;  // [num_samples, NF_MAX_LOGPROBS]
  float* out_top_logprobs = nullptr;  // [num_samples, NF_MAX_LOGPROBS]
};

// Top bit of a penalty count: the token is in the prompt. The other bits count it in the output.
constexpr uint16_t kInPrompt = 0x8000;

// The token of a row, patched with the sequence's last sampled token where the caller wrote -1.
NF_HOST_DEVICE inline int32_t resolve_token(const Batch& batch, uint32_t row) {
  const int32_t token = batch.tokens[row];
  return token >= 0 ? token : batch.last_tokens[batch.sequences[batch.row_sequence[row]].slot];
}

}  // namespace nf
