// GEMM that ends in a gated linear unit: out = act(a * gate^T) * (a * up^T), with weights [gate |
// up].
//
// A task takes panels of gate and the same ones of up, so that the products never leave its
// scratch: a row writes 2 I bytes instead of 8 I, which a GLU kernel would read again. Every bit is
// that of the two kernels one after the other.
#pragma once

#include "cpu/kernels/gemm.h"
#include "cpu/kernels/glu.h"

namespace nf::cpu {

template <typename V, typename Activation>
class GemmGlu {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const GemmArgs& args = op.gemm;
    if (args.rows.empty()) return;
    Gemm<V>::for_each_task(args, Gemm<V>::columns_of(args.weight, true), lane,
                           [&](const auto& task, auto& scratch) {
                             Gemm<V>::multiply(args, task, scratch);
                             for (uint32_t r = 0; r < task.rows.size(); ++r) {
                               finish_row(args, task.rows.begin + r, task.panels,
                                          scratch.sums + r * size_t{2 * task.panels.columns()});
                             }
                           });
  }

  static size_t workspace(const OpShape& shape) { return Gemm<V>::workspace(shape); }

  // Gate and up end with whole panels.
  static bool supports(const OpShape& shape) {
    return Gemm<V>::supports(shape) && shape.out % (2 * kPanelColumns) == 0;
  }

  // sums: [gate | up] of the panels' columns.
  static void finish_row(const GemmArgs& args, uint32_t row, const Panels& panels,
                         const float* sums) {
    const uint32_t width = args.weight.out / 2;
    auto* out = static_cast<uint16_t*>(args.out) + size_t{row} * width + panels.column();
    for (uint32_t i = 0; i < panels.columns(); i += V::kLanes) {
      typename V::F gate = V::load(sums + i);
      typename V::F up = V::load(sums + panels.columns() + i);
      if (args.bias) {
        gate = V::add(gate, V::load(args.bias + panels.column() + i));
        up = V::add(up, V::load(args.bias + width + panels.column() + i));
      }
      V::Exact::store_bf16_part(out + i, V::mul(Activation::of(gate), up), V::kLanes);
    }
  }
};

// The kernels of one instruction set.
#define NF_GEMM_GLU(name, V, Activation)                                                       \
  void name(const OpArgs& args, Lane& lane) { GemmGlu<V, Activation<V>>::launch(args, lane); } \
  size_t name##_workspace(const OpShape& shape) {                                              \
    return GemmGlu<V, Activation<V>>::workspace(shape);                                        \
  }                                                                                            \
  bool name##_supports(const OpShape& shape) { return GemmGlu<V, Activation<V>>::supports(shape); }

#define NF_GEMM_GLUS(isa, V)               \
  NF_GEMM_GLU(gemm_swi_glu_##isa, V, Silu) \
  NF_GEMM_GLU(gemm_ge_glu_##isa, V, Gelu)

}  // namespace nf::cpu
