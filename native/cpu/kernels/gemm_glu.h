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

// How a task of such a GEMM ends: sums are [gate | up] of the panels' columns, and are overwritten.
// V is the vector type of the row kernels, which the result has to equal.
template <typename V, typename Activation>
struct GluOutput {
  static constexpr uint32_t kHalves = 2;

  static void write(const GemmArgs& args, uint32_t row, Panels panels, float* sums) {
    const uint32_t width = args.weight.out / 2;
    const uint32_t columns = panels.columns();
    if (args.bias) {
      add(args.bias + panels.column(), columns, sums);
      add(args.bias + width + panels.column(), columns, sums + columns);
    }
    auto* out = static_cast<uint16_t*>(args.out) + size_t{row} * width + panels.column();
    Glu<V, Activation>::activate(sums, sums + columns, columns, out);
  }

 private:
  static void add(const float* bias, uint32_t columns, float* sums) {
    for (uint32_t i = 0; i < columns; i += V::kLanes) {
      V::store(sums + i, V::add(V::load(sums + i), V::load(bias + i)));
    }
  }
};

template <typename V, typename Output>
class GemmGlu {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const GemmArgs& args = op.gemm;
    if (args.rows.empty()) return;
    Gemm<V>::template for_each_task<typename Gemm<V>::Scratch>(
        args, Gemm<V>::columns_of(args.weight, true), lane, [&](const auto& task, auto& scratch) {
          Gemm<V>::multiply(args, task, scratch);
          for (uint32_t r = 0; r < task.rows.size(); ++r) {
            Output::write(args, task.rows.begin + r, task.panels,
                          scratch.sums + r * size_t{2 * task.panels.columns()});
          }
        });
  }

  static size_t workspace(const OpShape& shape) { return Gemm<V>::workspace(shape); }

  // Gate and up end with whole panels.
  static bool supports(const OpShape& shape) {
    return Gemm<V>::supports(shape) && shape.out % (2 * kPanelColumns) == 0;
  }
};

// The kernels of one instruction set.
#define NF_GEMM_GLU(name, V, ...)                                                            \
  void name(const OpArgs& args, Lane& lane) { GemmGlu<V, __VA_ARGS__>::launch(args, lane); } \
  size_t name##_workspace(const OpShape& shape) {                                            \
    return GemmGlu<V, __VA_ARGS__>::workspace(shape);                                        \
  }                                                                                          \
  bool name##_supports(const OpShape& shape) { return GemmGlu<V, __VA_ARGS__>::supports(shape); }

#define NF_GEMM_GLUS(isa, V, RowV)                                \
  NF_GEMM_GLU(gemm_swi_glu_##isa, V, GluOutput<RowV, Silu<RowV>>) \
  NF_GEMM_GLU(gemm_ge_glu_##isa, V, GluOutput<RowV, Gelu<RowV>>)

}  // namespace nf::cpu
