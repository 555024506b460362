// Reference kernels that round rows to int8.
#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "kernels.h"
#include "row.h"

namespace nf::reference {
namespace {

void quantize_row(const float* x, uint32_t width, std::byte* out) {
  const size_t padded = quantized_bytes(width);
  const Int8Scale scale = int8_scale_of(x, width);
  for (uint32_t i = 0; i < width; ++i) {
    out[i] = std::byte(round_to_int8(x[i], scale) + kQuantizedZero);
  }
  std::fill(out + width, out + padded, std::byte{kQuantizedZero});
  std::memcpy(out + padded, &scale.scale, sizeof(scale.scale));
}

}  // namespace

void quantize(const OpArgs& op, Lane& lane) {
  const QuantizeArgs& args = op.quantize;
  lane.for_each(args.rows.size(), [&](uint32_t task, uint32_t) {
    const size_t row = args.rows.begin + task;
    quantize_row(static_cast<const float*>(args.x) + row * args.width, args.width,
                 args.out + row * row_bytes(DType::kI8, args.width));
  });
}

void rms_norm_quantize(const OpArgs& op, Lane& lane) {
  const RmsNormArgs& args = op.rms_norm;
  NF_ASSERT(args.residual == nullptr);
  lane.for_each(args.rows.size(), [&](uint32_t task, uint32_t worker) {
    const uint32_t row = args.rows.begin + task;
    auto* normal = reinterpret_cast<float*>(lane.scratch(worker));
    const size_t source = args.gather != nullptr ? args.gather[row] : row;
    Norm{args.weight, args.epsilon}(args.x + source * args.hidden, normal, args.hidden);
    quantize_row(normal, args.hidden,
                 static_cast<std::byte*>(args.out) + row * row_bytes(DType::kI8, args.hidden));
  });
}

size_t rms_norm_quantize_workspace(const OpShape& shape) { return shape.out * sizeof(float); }

}  // namespace nf::reference
