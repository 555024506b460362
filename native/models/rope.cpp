#include "models/rope.h"

#include <cmath>

#include "core/check.h"

namespace nf {

namespace {

// Llama 3.1: long wavelengths are stretched by the factor, short ones kept, those between blended.
float llama3_frequency(const nf_model_spec& spec, float frequency) {
  constexpr double kTwoPi = 6.283185307179586;
  const double wavelength = kTwoPi / frequency;
  const double original = spec.rope_original_positions;
  if (wavelength < original / spec.rope_high_freq_factor) return frequency;
  if (wavelength > original / spec.rope_low_freq_factor) return frequency / spec.rope_factor;
  const double smooth = (original / wavelength - spec.rope_low_freq_factor) /
                        (double{spec.rope_high_freq_factor} - spec.rope_low_freq_factor);
  return static_cast<float>((1 - smooth) * frequency / spec.rope_factor + smooth * frequency);
}

}  // namespace

std::vector<float> rope_frequencies(const nf_model_spec& spec) {
  NF_CHECK(spec.rope_theta > 0, NF_INVALID_ARGUMENT, "model spec: rope_theta must be positive");
  NF_CHECK(spec.rope_scaling <= NF_ROPE_SCALING_LLAMA3, NF_UNSUPPORTED,
           "model spec: unknown rope_scaling");
  if (spec.rope_scaling != NF_ROPE_SCALING_NONE) {
    NF_CHECK(spec.rope_factor > 0, NF_INVALID_ARGUMENT, "model spec: rope_factor must be positive");
  }
  if (spec.rope_scaling == NF_ROPE_SCALING_LLAMA3) {
    NF_CHECK(spec.rope_low_freq_factor > 0 &&
                 spec.rope_high_freq_factor > spec.rope_low_freq_factor &&
                 spec.rope_original_positions > 0,
             NF_INVALID_ARGUMENT, "model spec: llama3 rope factors are out of range");
  }
  std::vector<float> frequencies(spec.head_dim / 2);
  for (uint32_t i = 0; i < frequencies.size(); ++i) {
    const double exponent = 2.0 * i / spec.head_dim;
    auto frequency = static_cast<float>(1.0 / std::pow(spec.rope_theta, exponent));
    if (spec.rope_scaling == NF_ROPE_SCALING_LINEAR) frequency /= spec.rope_factor;
    if (spec.rope_scaling == NF_ROPE_SCALING_LLAMA3) frequency = llama3_frequency(spec, frequency);
    frequencies[i] = frequency;
  }
  return frequencies;
}

void fill_rope_table(const nf_model_spec& spec, uint32_t max_positions, float* cos, float* sin) {
  const std::vector<float> frequencies = rope_frequencies(spec);
  for (uint32_t position = 0; position < max_positions; ++position) {
    for (const float frequency : frequencies) {
      const float angle = static_cast<float>(position) * frequency;
      *cos++ = std::cos(angle);
      *sin++ = std::sin(angle);
    }
  }
}

}  // namespace nf
