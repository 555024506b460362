// The passes of sampling, mostly as plain loops that compilers vectorise for the instruction set of
// the file that includes this one. V, its vector type, also keeps them apart from those of others.
#pragma once

#include "core/sampling.h"
#include "cpu/kernels/sample.h"

namespace nf::cpu {

template <typename V>
struct PlainPasses {
  static constexpr uint32_t kLanes = 16;    // independent partial results of a reduction
  static constexpr uint32_t kBlock = 1024;  // tokens summed in fp32 before the sum is a double

  static float larger(float a, float b) { return a > b ? a : b; }
  static uint32_t left(uint32_t begin, uint32_t count) {
    return count - begin < kBlock ? count - begin : kBlock;
  }

  static float largest(const float* logits, uint32_t count) {
    typename V::F tops[4];
    for (auto& top : tops) top = V::set1(kBanned);
    uint32_t i = 0;
    for (; i + 4 * V::kLanes <= count; i += 4 * V::kLanes) {
      for (uint32_t j = 0; j < 4; ++j)
        tops[j] = V::max(tops[j], V::load(logits + i + j * V::kLanes));
    }
    float top = V::largest(V::max(V::max(tops[0], tops[1]), V::max(tops[2], tops[3])));
    for (; i < count; ++i) top = larger(logits[i], top);
    return top;
  }

  static float clean(const float* in, float* out, uint32_t count) {
    float top = kBanned;
    for (uint32_t begin = 0; begin < count; begin += kBlock) {
      const uint32_t size = left(begin, count);
      for (uint32_t i = begin; i < begin + size; ++i) out[i] = clean_logit(in[i]);
      top = larger(largest(out + begin, size), top);
    }
    return top;
  }

  static uint32_t find(const float* logits, uint32_t count, float value) {
    for (uint32_t begin = 0; begin < count; begin += kBlock) {
      const uint32_t size = left(begin, count);
      uint32_t any = 0;
      for (uint32_t i = begin; i < begin + size; ++i) any |= logits[i] == value ? 1u : 0u;
      if (any == 0) continue;
      while (logits[begin] != value) ++begin;
      return begin;
    }
    return count;
  }

  static double sum_exp(const float* logits, uint32_t count, float largest) {
    double sum = 0;
    for (uint32_t begin = 0; begin < count; begin += kBlock) {
      const uint32_t end = begin + left(begin, count);
      float lanes[kLanes] = {};
      uint32_t i = begin;
      for (; i + kLanes <= end; i += kLanes) {
        for (uint32_t lane = 0; lane < kLanes; ++lane) {
          lanes[lane] += exp_nonpositive(logits[i + lane] - largest);
        }
      }
      for (; i < end; ++i) lanes[0] += exp_nonpositive(logits[i] - largest);
      for (const float lane : lanes) sum += double{lane};
    }
    return sum;
  }

  static void weigh(const float* logits, uint32_t count, float largest, float inverse_temperature,
                    uint32_t* weights) {
    for (uint32_t i = 0; i < count; ++i) {
      weights[i] = token_weight(logits[i], largest, inverse_temperature);
    }
  }

  static uint64_t sum(const uint32_t* weights, uint32_t count) {
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; ++i) total += weights[i];
    return total;
  }

  static constexpr SamplePasses kTable{clean, largest, find, sum_exp, weigh, sum};
};

// The kernel of one instruction set.
#define NF_SAMPLE(isa, V)                                                                       \
  void sample_##isa(const OpArgs& args, Lane& lane) {                                           \
    sample(PlainPasses<V>::kTable, args, lane);                                                 \
  }                                                                                             \
  size_t sample_##isa##_workspace(const OpShape& shape) { return sample_workspace(shape.out); } \
  bool sample_##isa##_supports(const OpShape&) { return true; }

}  // namespace nf::cpu
