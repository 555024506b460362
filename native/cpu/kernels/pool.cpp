// Pooling of hidden states: norm and sum in one pass over the rows of a sequence.
//
// Traffic of a row: 4 H bytes of x (read twice, the second time from cache) and 4 H of weight and
// sum (cached): nothing beside the GEMMs that made it, so one file serves all instruction sets. A
// task is a sequence: its rows are summed in order.
#include <cmath>

#include "core/pooling.h"
#include "cpu/kernels/kernels.h"

namespace nf::cpu {
namespace {

constexpr uint32_t kLanes = 16;  // independent partial sums, which compilers turn into vectors

float mean_square(const float* x, uint32_t size) {
  float lanes[kLanes] = {};
  uint32_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (uint32_t lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + lane] * x[i + lane];
  }
  for (; i < size; ++i) lanes[0] += x[i] * x[i];
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  return sum / static_cast<float>(size);
}

void add_row(const PoolArgs& args, uint32_t row, bool adds, float* sum) {
  const float* x = args.x + size_t{row} * args.hidden;
  const float scale = 1.0f / std::sqrt(mean_square(x, args.hidden) + args.epsilon);
  if (adds) {
    for (uint32_t i = 0; i < args.hidden; ++i) sum[i] += x[i] * scale * args.weight[i];
  } else {
    for (uint32_t i = 0; i < args.hidden; ++i) sum[i] = x[i] * scale * args.weight[i];
  }
}

}  // namespace

void pool(const OpArgs& op, Lane& lane) {
  const PoolArgs& args = op.pool;
  const Batch& batch = *args.batch;
  bool any = false;
  for (uint32_t s = args.rows.begin; s < args.rows.end; ++s) {
    any = any || (batch.sequences[s].flags & kPoolFlags) != 0;
  }
  if (!any) return;
  lane.for_each(args.rows.size(), [&](uint32_t task, uint32_t) {
    const uint32_t index = args.rows.begin + task;
    const PooledPart part = pooled_part(batch, index);
    float* sum = batch.pooled + size_t{batch.sequences[index].slot} * args.hidden;
    for (uint32_t row = part.rows.begin; row < part.rows.end; ++row) {
      add_row(args, row, part.adds || row > part.rows.begin, sum);
    }
    note_pooled(batch, index, part);
  });
}

size_t pool_workspace(const OpShape&) { return 0; }

bool pool_supports(const OpShape& shape) { return shape.out > 0; }

}  // namespace nf::cpu
