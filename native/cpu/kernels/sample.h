// Sampling: the rules in sample.cpp, which is compiled for any machine, and what they ask of an
// instruction set.
#pragma once

#include "core/backend.h"

namespace nf::cpu {

// Passes over a row of logits. All instruction sets give the same bits.
struct SamplePasses {
  // Rule 1 of sampling.h, from in to out, which may be the same. Returns the largest.
  float (*clean)(const float* in, float* out, uint32_t count);
  float (*largest)(const float* logits, uint32_t count);
  // Of the first one that equals `value`; count if none does.
  uint32_t (*find)(const float* logits, uint32_t count, float value);
  // Of exp(logit - largest).
  double (*sum_exp)(const float* logits, uint32_t count, float largest);
  // Rule 7.
  void (*weigh)(const float* logits, uint32_t count, float largest, float inverse_temperature,
                uint32_t* weights);
  uint64_t (*sum)(const uint32_t* weights, uint32_t count);
};

void sample(const SamplePasses& passes, const OpArgs& op, Lane& lane);
size_t sample_workspace(uint32_t vocab);  // bytes of scratch a worker needs

}  // namespace nf::cpu
