// Sum of experts: out = x + weight * output, slot by slot, fp32 in and out.
//
// Traffic of a row: 4 H (X + 1) bytes read, 4 H written. The order of the slots is that of the
// experts, whatever their weights are.
#pragma once

#include "core/backend.h"

namespace nf::cpu {

template <typename V>
class CombineExperts {
 public:
  static void launch(const OpArgs& op, Lane& lane) {
    const CombineExpertsArgs& args = op.combine_experts;
    if (args.rows.empty()) return;
    constexpr size_t kTaskElements = 1 << 15;  // about 20 us
    const size_t row_elements = size_t{args.hidden} * (args.routing.slots + 1);
    const auto wanted = static_cast<uint32_t>(kTaskElements / row_elements + 1);
    const uint32_t rows = args.rows.size();
    lane.for_each((rows + wanted - 1) / wanted, [&](uint32_t task, uint32_t) {
      const uint32_t begin = args.rows.begin + task * wanted;
      const uint32_t end = args.rows.end - begin < wanted ? args.rows.end : begin + wanted;
      for (uint32_t row = begin; row < end; ++row) combine(args, row);
    });
  }

  static size_t workspace(const OpShape&) { return 0; }
  static bool supports(const OpShape& shape) { return shape.out > 0; }

 private:
  using F = typename V::F;

  static void combine(const CombineExpertsArgs& args, uint32_t row) {
    const uint32_t slots = args.routing.slots;
    const float* x = args.x + size_t{row} * args.hidden;
    const float* outputs = args.outputs + size_t{row} * slots * args.hidden;
    float* out = args.out + size_t{row} * args.hidden;
    for (uint32_t i = 0; i < args.hidden; i += V::kLanes) {
      const uint32_t n = args.hidden - i < V::kLanes ? args.hidden - i : V::kLanes;
      F sum = V::load_part(x + i, n);
      for (uint32_t slot = 0; slot < slots; ++slot) {
        const F output = V::load_part(outputs + size_t{slot} * args.hidden + i, n);
        sum = V::fma(V::set1(args.routing.weight(row, slot)), output, sum);
      }
      V::store_part(out + i, sum, n);
    }
  }
};

}  // namespace nf::cpu
