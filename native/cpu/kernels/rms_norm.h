// RMS norm: out = x / sqrt(mean(x^2) + epsilon) * weight, fp32 in, bf16 out; or fp32 out, added to
// the residual.
//
// rms_norm_quantize rounds the bf16 result of each row further, to int8: what a quantize op of it
// would make.
//
// Traffic of a row: 4 H bytes of x (read twice, the second time from cache), 4 H of weight
// (cached), 2 H of out. The sum of squares runs in a fixed order that depends on H only.
#pragma once

#include "core/backend.h"
#include "core/check.h"
#include "cpu/kernels/quantize.h"
#include "cpu/kernels/vec_math.h"

namespace nf::cpu {

template <typename V>
class RmsNorm {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const RmsNormArgs& args = op.rms_norm;
    for_each_row(args, lane, [&](uint32_t row, uint32_t) {
      normalize(args, row, size_t{row} * args.hidden, args.out);
    });
  }

  static void launch_quantize(const OpArgs& op, Lane& lane) {
    const RmsNormArgs& args = op.rms_norm;
    NF_ASSERT(args.residual == nullptr);
    const size_t pitch = row_bytes(DType::kI8, args.hidden);
    for_each_row(args, lane, [&](uint32_t row, uint32_t worker) {
      auto* rounded = reinterpret_cast<uint16_t*>(lane.scratch(worker));
      normalize(args, row, 0, rounded);
      Quantize<V>::quantize(rounded, args.hidden, static_cast<std::byte*>(args.out) + row * pitch);
    });
  }

  static size_t workspace(const OpShape&) { return 0; }
  static size_t quantize_workspace(const OpShape& shape) { return shape.out * sizeof(uint16_t); }
  static bool supports(const OpShape& shape) { return shape.out > 0; }

 private:
  using F = typename V::F;

  // Calls fn(row, worker).
  template <typename Fn>
  static void for_each_row(const RmsNormArgs& args, Lane& lane, Fn&& fn) {
    if (args.rows.empty()) return;
    constexpr uint32_t kTaskElements = 1 << 16;  // about 20 us
    const uint32_t wanted = kTaskElements / args.hidden + 1;
    const uint32_t rows = args.rows.end - args.rows.begin;
    lane.for_each((rows + wanted - 1) / wanted, [&](uint32_t task, uint32_t worker) {
      const uint32_t begin = args.rows.begin + task * wanted;
      const uint32_t end = args.rows.end - begin < wanted ? args.rows.end : begin + wanted;
      for (uint32_t row = begin; row < end; ++row) fn(row, worker);
    });
  }

  // Writes the result of a row to elements [base, base + hidden) of out; the residual's are those
  // of args.out.
  static void normalize(const RmsNormArgs& args, uint32_t row, size_t base, void* out) {
    const uint32_t source = args.gather ? args.gather[row] : row;
    const float* x = args.x + size_t{source} * args.hidden;
    const float mean = sum_of_squares<V>(x, args.hidden) / static_cast<float>(args.hidden);
    const F scale = V::set1(1.0f / __builtin_sqrtf(mean + args.epsilon));
    for (uint32_t i = 0; i < args.hidden; i += V::kLanes) {
      const uint32_t n = args.hidden - i < V::kLanes ? args.hidden - i : V::kLanes;
      const F normal = V::mul(V::load_part(x + i, n), scale);
      const F y = V::mul(normal, V::load_part(args.weight + i, n));
      if (args.residual) {
        const F sum = V::add(V::load_part(args.residual + base + i, n), y);
        V::store_part(static_cast<float*>(out) + base + i, sum, n);
      } else {
        V::store_bf16_part(static_cast<uint16_t*>(out) + base + i, y, n);
      }
    }
  }
};

}  // namespace nf::cpu
