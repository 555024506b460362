// The rotary embedding's angles, with the scalings that Llama checkpoints and their relatives use.
#pragma once

#include <vector>

#include "nanoflow.h"

namespace nf {

// Throws NF_INVALID_ARGUMENT or NF_UNSUPPORTED for a scaling that has no angles.
void check_rope(const nf_model_spec& spec);

// Do some of so many positions have angles of their own in long sequences?
bool has_long_rope(const nf_model_spec& spec, uint32_t max_positions);

// Fills cos and sin, both [max_positions, head_dim / 2], for all sequences or for long ones. Angles
// are the fp32 product of position and frequency, as the models were trained.
void fill_rope_table(const nf_model_spec& spec, bool is_long, uint32_t max_positions, float* cos,
                     float* sin);

}  // namespace nf
