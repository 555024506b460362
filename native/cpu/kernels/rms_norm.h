// RMS norm: out = x / sqrt(mean(x^2) + epsilon) * weight, fp32 in, bf16 out; or fp32 out, added to
// the residual.
//
// Traffic of a row: 4 H bytes of x (read twice, the second time from cache), 4 H of weight
// (cached), 2 H of out. The sum of squares runs in a fixed order that depends on H only.
#pragma once

#include "core/backend.h"
#include "cpu/kernels/vec_math.h"

namespace nf::cpu {

template <typename V>
class RmsNorm {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const RmsNormArgs& args = op.rms_norm;
    if (args.rows.empty()) return;
    constexpr uint32_t kTaskElements = 1 << 16;  // about 20 us
    const uint32_t wanted = kTaskElements / args.hidden + 1;
    const uint32_t rows = args.rows.end - args.rows.begin;
    lane.for_each((rows + wanted - 1) / wanted, [&](uint32_t task, uint32_t) {
      const uint32_t begin = args.rows.begin + task * wanted;
      const uint32_t end = args.rows.end - begin < wanted ? args.rows.end : begin + wanted;
      for (uint32_t row = begin; row < end; ++row) normalize(args, row);
    });
  }

  static size_t workspace(const OpShape&) { return 0; }
  static bool supports(const OpShape& shape) { return shape.out > 0; }

 private:
  using F = typename V::F;

  static void normalize(const RmsNormArgs& args, uint32_t row) {
    const uint32_t source = args.gather ? args.gather[row] : row;
    const float* x = args.x + size_t{source} * args.hidden;
    const float mean = sum_of_squares<V>(x, args.hidden) / static_cast<float>(args.hidden);
    const F scale = V::set1(1.0f / __builtin_sqrtf(mean + args.epsilon));
    const size_t base = size_t{row} * args.hidden;
    for (uint32_t i = 0; i < args.hidden; i += V::kLanes) {
      const uint32_t n = args.hidden - i < V::kLanes ? args.hidden - i : V::kLanes;
      const F normal = V::mul(V::load_part(x + i, n), scale);
      const F y = V::mul(normal, V::load_part(args.weight + i, n));
      if (args.residual) {
        const F sum = V::add(V::load_part(args.residual + base + i, n), y);
        V::store_part(static_cast<float*>(args.out) + base + i, sum, n);
      } else {
        V::store_bf16_part(static_cast<uint16_t*>(args.out) + base + i, y, n);
      }
    }
  }
};

}  // namespace nf::cpu
