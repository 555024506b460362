// Routing: which experts a row goes to (core/routing.h). A few hundred operations a row, by
// nobody's measure worth an instruction set of their own.
#include "cpu/kernels/kernels.h"

namespace nf::cpu {

void route(const OpArgs& op, Lane& lane) {
  const RouteArgs& args = op.route;
  if (args.rows.empty()) return;
  constexpr uint32_t kTaskLogits = 1 << 11;  // about 20 us
  const uint32_t wanted = kTaskLogits / args.num_experts + 1;
  lane.for_each((args.rows.size() + wanted - 1) / wanted, [&](uint32_t task, uint32_t) {
    const uint32_t begin = args.rows.begin + task * wanted;
    const uint32_t end = args.rows.end - begin < wanted ? args.rows.end : begin + wanted;
    for (uint32_t row = begin; row < end; ++row) {
      route_row(args.logits + size_t{row} * args.num_experts, args.num_experts, args.slots,
                args.normalize, args.routing + size_t{row} * 2 * args.slots);
    }
  });
}

size_t route_workspace(const OpShape&) { return 0; }

bool route_supports(const OpShape& shape) { return shape.slots > 0; }

}  // namespace nf::cpu
