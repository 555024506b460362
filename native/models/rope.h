// The rotary embedding's angles, with the scalings that Llama checkpoints use.
#pragma once

#include <vector>

#include "nanoflow.h"

namespace nf {

// Inverse frequencies [head_dim / 2] after scaling.
std::vector<float> rope_frequencies(const nf_model_spec& spec);

// Fills cos and sin, both [max_positions, head_dim / 2]. Angles are the fp32 product of position
// and frequency, as the models were trained.
void fill_rope_table(const nf_model_spec& spec, uint32_t max_positions, float* cos, float* sin);

}  // namespace nf
