// SwiGLU: out = silu(gate) * up with silu(g) = g / (1 + e^-g), fp32 in, bf16 out.
//
// Traffic of a row: 8 I bytes read, 2 I written.
#pragma once

#include "core/backend.h"
#include "cpu/kernels/vec_math.h"

namespace nf::cpu {

template <typename V>
class SwiGlu {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const SwiGluArgs& args = op.swi_glu;
    if (args.rows.empty()) return;
    // A task is one row or a piece of it: rows can be few and wide.
    constexpr uint32_t kTaskElements = 1 << 14;  // about 20 us; a multiple of the lanes
    const uint32_t pieces = (args.intermediate + kTaskElements - 1) / kTaskElements;
    const uint32_t rows_per_task = pieces > 1 ? 1 : kTaskElements / args.intermediate;
    const uint32_t rows = args.rows.end - args.rows.begin;
    const uint32_t row_tasks = (rows + rows_per_task - 1) / rows_per_task;
    lane.for_each(row_tasks * pieces, [&](uint32_t task, uint32_t) {
      const uint32_t begin = args.rows.begin + task / pieces * rows_per_task;
      const uint32_t end =
          args.rows.end - begin < rows_per_task ? args.rows.end : begin + rows_per_task;
      const uint32_t first = task % pieces * kTaskElements;
      const uint32_t left = args.intermediate - first;
      const uint32_t last = left < kTaskElements ? args.intermediate : first + kTaskElements;
      for (uint32_t row = begin; row < end; ++row) activate(args, row, first, last);
    });
  }

  static size_t workspace(const OpShape&) { return 0; }
  static bool supports(const OpShape& shape) { return shape.out > 0; }

 private:
  using F = typename V::F;

  static void activate(const SwiGluArgs& args, uint32_t row, uint32_t first, uint32_t last) {
    const float* gate = static_cast<const float*>(args.x) + size_t{row} * 2 * args.intermediate;
    const float* up = gate + args.intermediate;
    uint16_t* out = static_cast<uint16_t*>(args.out) + size_t{row} * args.intermediate;
    const F one = V::set1(1.0f);
    for (uint32_t i = first; i < last; i += V::kLanes) {
      const uint32_t n = last - i < V::kLanes ? last - i : V::kLanes;
      const F g = V::load_part(gate + i, n);
      const F silu = V::div(g, V::add(one, exp<V>(V::sub(V::set1(0.0f), g))));
      V::store_bf16_part(out + i, V::mul(silu, V::load_part(up + i, n)), n);
    }
  }
};

}  // namespace nf::cpu
