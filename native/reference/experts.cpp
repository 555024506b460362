// Reference kernels of a feed-forward of experts. What routing means is in core/routing.h.
#include "core/routing.h"
#include "kernels.h"

namespace nf::reference {

void route(const OpArgs& op, Lane& lane) {
  const RouteArgs& args = op.route;
  lane.for_each(args.rows.size(), [&](uint32_t task, uint32_t) {
    const size_t row = args.rows.begin + task;
    route_row(args.logits + row * args.num_experts, args.num_experts, args.slots, args.normalize,
              args.routing + row * 2 * args.slots);
  });
}

void grouped_gemm(const OpArgs& op, Lane& lane) {
  const GroupedGemmArgs& args = op.grouped_gemm;
  const size_t in = args.weight.in;
  const size_t out = args.weight.out;
  const uint32_t slots = args.routing.slots;
  lane.for_each(args.rows.size() * slots, [&](uint32_t task, uint32_t) {
    const uint32_t row = args.rows.begin + task / slots;
    const uint32_t slot = task % slots;
    const size_t entry = size_t{row} * slots + slot;
    const WeightView view = args.weight.matrix(args.routing.expert(row, slot));
    const auto* weight = static_cast<const float*>(view.data);
    const float* a = static_cast<const float*>(args.a) + (args.a_per_slot ? entry : row) * in;
    float* y = static_cast<float*>(args.out) + entry * out;
    for (size_t j = 0; j < out; ++j) {
      double sum = 0;
      for (size_t i = 0; i < in; ++i) sum += double{a[i]} * double{weight[j * in + i]};
      y[j] = float(sum);
    }
  });
}

void combine_experts(const OpArgs& op, Lane& lane) {
  const CombineExpertsArgs& args = op.combine_experts;
  const size_t hidden = args.hidden;
  const uint32_t slots = args.routing.slots;
  lane.for_each(args.rows.size(), [&](uint32_t task, uint32_t) {
    const uint32_t row = args.rows.begin + task;
    const float* outputs = args.outputs + size_t{row} * slots * hidden;
    for (size_t i = 0; i < hidden; ++i) {
      double sum = double{args.x[row * hidden + i]};
      for (uint32_t slot = 0; slot < slots; ++slot) {
        sum += double{args.routing.weight(row, slot)} * double{outputs[slot * hidden + i]};
      }
      args.out[row * hidden + i] = float(sum);
    }
  });
}

}  // namespace nf::reference
