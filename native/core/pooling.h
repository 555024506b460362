// Pooled hidden states: one vector [H] a slot, of a sequence that asks for it with one of the
// NF_SEQUENCE_POOL flags, after the last norm and in fp32.
//
// A mean is kept as a sum of rows in ascending order and divided when it is read. Each row is added
// by itself, so that no cut of a prompt into chunks changes a bit; position 0 starts anew, so that
// a sequence that was preempted needs no repair.
#pragma once

#include "batch.h"

namespace nf {

constexpr uint32_t kPoolFlags =
    NF_SEQUENCE_POOL_FIRST | NF_SEQUENCE_POOL_LAST | NF_SEQUENCE_POOL_MEAN;

// The rows of a sequence in this step that its slot takes up.
struct PooledPart {
  RowRange rows;      // empty: none
  bool adds = false;  // to what is there; otherwise the first row replaces it
};

NF_HOST_DEVICE inline PooledPart pooled_part(const Batch& batch, uint32_t index) {
  const nf_sequence& sequence = batch.sequences[index];
  const uint32_t first = batch.first_row[index];
  const uint32_t end = first + sequence.row_count;
  switch (sequence.flags & kPoolFlags) {
    case NF_SEQUENCE_POOL_FIRST:
      return {sequence.position == 0 ? RowRange{first, first + 1} : RowRange{}};
    case NF_SEQUENCE_POOL_LAST:
      return {{end - 1, end}};
    case NF_SEQUENCE_POOL_MEAN:
      return {{first, end}, sequence.position > 0};
    default:
      return {};
  }
}

// Notes how many rows the slot's vector is the sum of.
NF_HOST_DEVICE inline void note_pooled(const Batch& batch, uint32_t index, const PooledPart& part) {
  const nf_sequence& sequence = batch.sequences[index];
  if (part.rows.empty()) return;
  const bool is_sum = (sequence.flags & NF_SEQUENCE_POOL_MEAN) != 0;
  batch.pooled_rows[sequence.slot] = is_sum ? sequence.position + sequence.row_count : 1;
}

}  // namespace nf
