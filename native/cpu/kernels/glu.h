// Gated linear units: out = act(gate) * up, fp32 in, bf16 out.
//
//   swi_glu   silu(g) = g / (1 + e^-g)
//   ge_glu    gelu(g) = g / (1 + e^-2u) with u = sqrt(2 / pi) * (g + 0.044715 g^3), which is
//             g / 2 * (1 + tanh u)
//
// Traffic of a row: 8 I bytes read, 2 I written.
#pragma once

#include "core/backend.h"
#include "cpu/kernels/vec_math.h"

namespace nf::cpu {

template <typename V>
struct Silu {
  static typename V::F of(typename V::F g) {
    const typename V::F e = exp<V>(V::sub(V::set1(0.0f), g));
    return V::div(g, V::add(V::set1(1.0f), e));
  }
};

template <typename V>
struct Gelu {
  static typename V::F of(typename V::F g) {
    const typename V::F cubic = V::mul(V::mul(g, g), V::set1(0.044715f));
    const typename V::F u = V::mul(g, V::add(cubic, V::set1(1.0f)));
    const typename V::F e = exp<V>(V::mul(u, V::set1(-1.5957691216f)));  // -2 sqrt(2 / pi)
    return V::div(g, V::add(V::set1(1.0f), e));
  }
};

template <typename V, typename Activation>
class Glu {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const GluArgs& args = op.glu;
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
      for (uint32_t row = begin; row < end; ++row) {
        const size_t width = args.intermediate;
        const float* gate = static_cast<const float*>(args.x) + row * 2 * width + first;
        uint16_t* out = static_cast<uint16_t*>(args.out) + row * width + first;
        activate(gate, gate + width, last - first, out);
      }
    });
  }

  // out[width], bf16, of as many elements of gate and up.
  static void activate(const float* gate, const float* up, uint32_t width, uint16_t* out) {
    for (uint32_t i = 0; i < width; i += V::kLanes) {
      const uint32_t n = width - i < V::kLanes ? width - i : V::kLanes;
      const typename V::F activated = Activation::of(V::load_part(gate + i, n));
      V::store_bf16_part(out + i, V::mul(activated, V::load_part(up + i, n)), n);
    }
  }

  static size_t workspace(const OpShape&) { return 0; }
  static bool supports(const OpShape& shape) { return shape.out > 0; }
};

}  // namespace nf::cpu
