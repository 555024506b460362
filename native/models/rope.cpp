#include "models/rope.h"

#include <cmath>
#include <string>

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

// Inverse frequencies [head_dim / 2] after scaling.
std::vector<float> frequencies_of(const nf_model_spec& spec, bool is_long) {
  const float* factors = is_long ? spec.rope_long_factors : spec.rope_short_factors;
  std::vector<float> frequencies(spec.head_dim / 2);
  for (uint32_t i = 0; i < frequencies.size(); ++i) {
    const double exponent = 2.0 * i / spec.head_dim;
    double stretch = std::pow(spec.rope_theta, exponent);
    if (spec.rope_scaling == NF_ROPE_SCALING_FACTORS) stretch *= double{factors[i]};
    auto frequency = static_cast<float>(1.0 / stretch);
    if (spec.rope_scaling == NF_ROPE_SCALING_LINEAR) frequency /= spec.rope_factor;
    if (spec.rope_scaling == NF_ROPE_SCALING_LLAMA3) frequency = llama3_frequency(spec, frequency);
    frequencies[i] = frequency;
  }
  return frequencies;
}

void check_factors(const nf_model_spec& spec, const float* factors, const char* name) {
  for (uint32_t i = 0; i < spec.head_dim / 2; ++i) {
    NF_CHECK(factors[i] > 0 && std::isfinite(factors[i]), NF_INVALID_ARGUMENT,
             std::string("model spec: ") + name + "[" + std::to_string(i) +
                 "] must be positive and finite");
  }
}

void check_all_factors(const nf_model_spec& spec) {
  NF_CHECK(spec.rope_short_factors != nullptr, NF_INVALID_ARGUMENT,
           "model spec: rope_short_factors is NULL");
  check_factors(spec, spec.rope_short_factors, "rope_short_factors");
  if (spec.rope_long_factors == nullptr) return;
  check_factors(spec, spec.rope_long_factors, "rope_long_factors");
  NF_CHECK(spec.rope_original_positions > 0, NF_INVALID_ARGUMENT,
           "model spec: rope_original_positions is 0, but there are rope_long_factors");
}

}  // namespace

void check_rope(const nf_model_spec& spec) {
  NF_CHECK(spec.rope_theta > 0, NF_INVALID_ARGUMENT, "model spec: rope_theta must be positive");
  NF_CHECK(spec.rope_scaling <= NF_ROPE_SCALING_FACTORS, NF_UNSUPPORTED,
           "model spec: unknown rope_scaling");
  NF_CHECK(spec.rope_attention_factor >= 0 && std::isfinite(spec.rope_attention_factor),
           NF_INVALID_ARGUMENT,
           "model spec: rope_attention_factor must be finite and not negative");
  if (spec.rope_scaling == NF_ROPE_SCALING_FACTORS) check_all_factors(spec);
  if (spec.rope_scaling == NF_ROPE_SCALING_LINEAR || spec.rope_scaling == NF_ROPE_SCALING_LLAMA3) {
    NF_CHECK(spec.rope_factor > 0, NF_INVALID_ARGUMENT, "model spec: rope_factor must be positive");
  }
  if (spec.rope_scaling == NF_ROPE_SCALING_LLAMA3) {
    NF_CHECK(spec.rope_low_freq_factor > 0 &&
                 spec.rope_high_freq_factor > spec.rope_low_freq_factor &&
                 spec.rope_original_positions > 0,
             NF_INVALID_ARGUMENT, "model spec: llama3 rope factors are out of range");
  }
}

bool has_long_rope(const nf_model_spec& spec, uint32_t max_positions) {
  return spec.rope_scaling == NF_ROPE_SCALING_FACTORS && spec.rope_long_factors != nullptr &&
         max_positions > spec.rope_original_positions;
}

void fill_rope_table(const nf_model_spec& spec, bool is_long, uint32_t max_positions, float* cos,
                     float* sin) {
  const std::vector<float> frequencies = frequencies_of(spec, is_long);
  const float scale = spec.rope_attention_factor > 0 ? spec.rope_attention_factor : 1.0f;
  for (uint32_t position = 0; position < max_positions; ++position) {
    for (const float frequency : frequencies) {
      const float angle = static_cast<float>(position) * frequency;
      *cos++ = std::cos(angle) * scale;
      *sin++ = std::sin(angle) * scale;
    }
  }
}

}  // namespace nf
