// Is a step that the caller wrote safe to run? What a kernel takes as an index is checked here
// once, before a lane sees it; and no two sequences of a step may write to the same place, for then
// the answer would depend on the plan.
#pragma once

#include <vector>

#include "core/graph.h"
#include "nanoflow.h"

namespace nf {

// The samples that a sequence has in its step.
inline uint32_t num_samples(const nf_sequence& sequence) {
  if ((sequence.flags & NF_SEQUENCE_SAMPLE_ALL) != 0) return sequence.row_count;
  return (sequence.flags & NF_SEQUENCE_SAMPLE) != 0 ? 1 : 0;
}

class StepCheck {
 public:
  StepCheck(const nf_engine_options& options, const Graph& graph, bool has_long_rope);

  // Both throw NF_INVALID_ARGUMENT naming the field and the sequence or sample.
  void check_step(const nf_step_buffers& step, const nf_step_shape& shape);
  void check_sampling(const nf_step_buffers& step, uint32_t num_samples) const;

 private:
  void check_shape(const nf_step_buffers& step, const nf_step_shape& shape) const;
  void check_sequence(const nf_sequence& sequence, uint32_t index,
                      const nf_step_shape& shape) const;
  void check_slots(const nf_step_buffers& step, const nf_step_shape& shape);
  void check_pages(const nf_step_buffers& step, const nf_step_shape& shape);
  uint32_t find_shared_page(const nf_step_buffers& step, const nf_step_shape& shape);

  const nf_engine_options& options_;
  uint32_t vocab_;
  bool has_pages_;
  bool has_long_rope_;
  bool has_hidden_states_;
  uint64_t num_checks_ = 0;
  std::vector<uint64_t> slot_seen_;  // [max_sequences]: the check that saw the slot last
  std::vector<bool> written_;        // [num_pages]: all false between checks
};

}  // namespace nf
