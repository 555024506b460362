#include "bind.h"

#include <algorithm>

#include "check.h"

namespace nf {

namespace {

// One nano-op in one layer: resolves tensors and weights to addresses.
class Binder {
 public:
  Binder(const Program& program, const Op& op, uint32_t layer)
      : graph_(program.graph()), memory_(program.memory()), op_(op), layer_(layer) {}

  const void* read(size_t index) const { return address(op_.reads[index].tensor); }
  void* written() const { return address(op_.writes); }
  WeightView weight() const { return memory_.weight(op_.weight, layer_); }
  // What the result is added to, if anything: the second read of a GEMM or norm.
  const float* residual() const {
    return op_.reads.size() > 1 ? static_cast<const float*>(read(1)) : nullptr;
  }
  const float* bias() const {
    if (op_.bias == kNone) return nullptr;
    return static_cast<const float*>(memory_.weight(op_.bias, layer_).data);
  }
  const float* qk_norm() const {
    return op_.weight == kNone ? nullptr : static_cast<const float*>(weight().data);
  }
  void* written2() const { return address(op_.writes2); }
  RoutingView routing(size_t index) const {
    return {static_cast<const uint32_t*>(read(index)), op_.shape.slots};
  }
  // Elements of a row of what the op reads.
  uint32_t width(size_t index) const { return graph_.tensors[op_.reads[index].tensor].width; }
  DType read_dtype(size_t index) const { return graph_.tensors[op_.reads[index].tensor].dtype; }
  DType written_dtype() const { return graph_.tensors[op_.writes].dtype; }
  KvView kv() const {
    KvView view = memory_.kv;
    view.layer += layer_ * memory_.kv_layer_bytes;
    return view;
  }

 private:
  std::byte* address(TensorId tensor) const {
    return memory_.arena + memory_.layout.offset(graph_, tensor, layer_);
  }

  const Graph& graph_;
  const ModelMemory& memory_;
  const Op& op_;
  uint32_t layer_;
};

uint32_t rows_in(const Batch& batch, RowSpace space) {
  if (space == RowSpace::kSample) return batch.num_samples;
  return space == RowSpace::kSequence ? batch.num_sequences : batch.num_rows;
}

void bind_experts(const Op& op, const Binder& binder, RowRange rows, OpArgs& args) {
  switch (op.kind) {
    case OpKind::kRoute:
      args.route = {rows,
                    static_cast<const float*>(binder.read(0)),
                    static_cast<uint32_t*>(binder.written()),
                    op.shape.num_experts,
                    op.shape.slots,
                    op.normalize};
      break;
    case OpKind::kGroupedGemm:
      args.grouped_gemm = {rows,
                           binder.read(0),
                           binder.width(0) != op.shape.in,
                           binder.weight(),
                           binder.routing(1),
                           static_cast<uint32_t*>(binder.written2()),
                           binder.written(),
                           binder.written_dtype()};
      break;
    case OpKind::kCombineExperts:
      args.combine_experts = {rows,
                              static_cast<const float*>(binder.read(0)),
                              binder.routing(1),
                              static_cast<const float*>(binder.read(2)),
                              static_cast<float*>(binder.written()),
                              op.shape.out};
      break;
    default:
      NF_ASSERT(!"not an op of experts");
  }
}

// Some rows of a step.
struct BatchRows {
  RowRange rows;
  const Batch& batch;
};

// Ops whose results leave through the batch.
void bind_results(const Program& program, const Op& op, const Binder& binder, BatchRows of,
                  OpArgs& args) {
  switch (op.kind) {
    case OpKind::kSample:
      args.sample = {of.rows, &of.batch, static_cast<const float*>(binder.read(0)), op.shape.out};
      break;
    case OpKind::kEcho:
      args.echo = {of.rows, &of.batch, op.shape.out};
      break;
    case OpKind::kPool:
      args.pool = {of.rows,
                   &of.batch,
                   static_cast<const float*>(binder.read(0)),
                   static_cast<const float*>(binder.weight().data),
                   op.shape.out,
                   program.graph().dims.rms_norm_eps};
      break;
    default:
      NF_ASSERT(!"its results do not leave");
  }
}

}  // namespace

GemmArgs section_args(const GemmArgs& gemm, const WeightSection& section) {
  GemmArgs part = gemm;
  const size_t first = section.first_out;
  part.weight = section.view;
  if (gemm.bias) part.bias = gemm.bias + first;
  if (gemm.residual) part.residual = gemm.residual + first;
  part.out = static_cast<std::byte*>(gemm.out) + first * size_of(gemm.out_dtype);
  return part;
}

RowRange bound_rows(const Program& program, const BoundNanoOp& bound, const Batch& batch) {
  const RowRange rows = program.scale(bound, rows_in(batch, bound.op->rows));
  const uint32_t decode_rows = batch.num_decode_rows;
  switch (row_part(bound.op->kind)) {
    case RowPart::kDecode:
      return {rows.begin, std::min(rows.end, decode_rows)};
    case RowPart::kPrefill:
      return {std::max(rows.begin, decode_rows), rows.end};
    case RowPart::kAll:
      break;
  }
  return rows;
}

bool bind_args(const Program& program, const BoundNanoOp& bound, const Batch& batch, uint32_t layer,
               OpArgs& args) {
  const Op& op = *bound.op;
  const Binder binder(program, op, layer);
  RowRange rows = bound_rows(program, bound, batch);
  switch (op.kind) {
    case OpKind::kEmbedding:
      args.embedding = {rows, &batch, binder.weight(), static_cast<float*>(binder.written()),
                        op.scale};
      break;
    case OpKind::kRmsNorm:
    case OpKind::kRmsNormQuantize:
      args.rms_norm = {rows,
                       op.gather ? batch.sample_row : nullptr,
                       static_cast<const float*>(binder.read(0)),
                       static_cast<const float*>(binder.weight().data),
                       binder.written(),
                       op.shape.out,
                       program.graph().dims.rms_norm_eps,
                       binder.residual()};
      break;
    case OpKind::kQuantize:
      args.quantize = {rows, binder.read(0), static_cast<std::byte*>(binder.written()),
                       op.shape.out};
      break;
    case OpKind::kGemm:
    case OpKind::kGemmSwiGlu:
    case OpKind::kGemmGeGlu:
      args.gemm = {rows,
                   binder.read(0),
                   binder.weight(),
                   binder.bias(),
                   binder.residual(),
                   binder.written(),
                   binder.written_dtype(),
                   op.softcap,
                   op.shape.out};
      break;
    case OpKind::kRopeAppend:
      args.rope_append = {rows,
                          &batch,
                          binder.read(0),
                          binder.written(),
                          binder.kv(),
                          program.memory().rope,
                          op.shape.num_heads,
                          binder.qk_norm(),
                          program.graph().dims.rms_norm_eps,
                          op.scale,
                          binder.read_dtype(0)};
      break;
    case OpKind::kDecodeAttention:
    case OpKind::kPrefillAttention:
      args.attention = {rows,
                        &batch,
                        binder.read(0),
                        binder.kv(),
                        binder.written(),
                        op.shape.num_heads,
                        program.graph().window(layer),
                        op.softcap};
      break;
    case OpKind::kSwiGlu:
    case OpKind::kGeGlu: {
      const uint32_t slots = op.shape.slots > 0 ? op.shape.slots : 1;
      rows = {rows.begin * slots, rows.end * slots};
      args.glu = {rows, binder.read(0), binder.written(), op.shape.out, binder.read_dtype(0)};
      break;
    }
    case OpKind::kRoute:
    case OpKind::kGroupedGemm:
    case OpKind::kCombineExperts:
      bind_experts(op, binder, rows, args);
      break;
    case OpKind::kSample:
    case OpKind::kEcho:
    case OpKind::kPool:
      bind_results(program, op, binder, {rows, batch}, args);
      break;
    case OpKind::kCount:
      NF_ASSERT(!"not an op");
  }
  return !rows.empty();
}

}  // namespace nf
