#include "work.h"

namespace nf {

namespace {

// Of one token in one layer, keys and values.
double kv_token_bytes(const ModelMemory& memory) {
  if (memory.kv.page_tokens == 0) return 0;  // a model without layers
  return static_cast<double>(memory.kv.page_bytes) / memory.kv.page_tokens;
}

double row_elements(const Graph& graph, TensorId tensor) {
  return tensor == kNone ? 0 : graph.tensors[tensor].width;
}

double tensor_row_bytes(const Graph& graph, TensorId tensor, const ModelMemory& memory) {
  if (tensor == kNone) return 0;
  const TensorInfo& info = graph.tensors[tensor];
  if (info.space == RowSpace::kKvPage) return kv_token_bytes(memory);
  return static_cast<double>(row_bytes(info.dtype, info.width));
}

double packed_bytes(WeightId weight, const ModelMemory& memory) {
  if (weight == kNone) return 0;
  double bytes = 0;
  for (const std::vector<WeightSection>& layer : memory.weights[weight]) {
    for (const WeightSection& section : layer) {
      bytes += static_cast<double>(section.view.stride) * section.view.count;
    }
  }
  return bytes / static_cast<double>(memory.weights[weight].size());
}

// Every element that is read and written passes once. Pages that are read count by attended token.
OpWork elementwise(const Graph& graph, const Op& op, const ModelMemory& memory) {
  OpWork work;
  double read_elements = 0;
  for (const Read& read : op.reads) {
    if (graph.tensors[read.tensor].space == RowSpace::kKvPage) continue;
    work.row_bytes += tensor_row_bytes(graph, read.tensor, memory);
    read_elements += row_elements(graph, read.tensor);
  }
  for (const TensorId tensor : {op.writes, op.writes2}) {
    work.row_bytes += tensor_row_bytes(graph, tensor, memory);
    work.row_flops += row_elements(graph, tensor);
  }
  if (op.writes == kNone) work.row_flops = read_elements;  // results leave through the batch
  work.weight_bytes = packed_bytes(op.weight, memory) + packed_bytes(op.bias, memory);
  return work;
}

}  // namespace

OpWork work_of(const Graph& graph, const Op& op, const ModelMemory& memory) {
  OpWork work = elementwise(graph, op, memory);
  const double product = 2.0 * op.shape.in * op.shape.out;
  switch (op.kind) {
    case OpKind::kGemm:
    case OpKind::kGemmSwiGlu:
    case OpKind::kGemmGeGlu:
      work.row_flops = product;
      break;
    case OpKind::kGroupedGemm:
      work.row_flops = product * op.shape.slots;
      break;
    case OpKind::kDecodeAttention:
    case OpKind::kPrefillAttention:
      // A score and its share of the result: a multiply-add for each element of the heads, twice.
      work.context_flops = 4.0 * op.shape.num_heads * op.shape.head_dim;
      work.context_bytes = kv_token_bytes(memory);
      break;
    case OpKind::kEmbedding:
      // A lookup reads one row of its table.
      work.row_bytes += work.weight_bytes / graph.weights[op.weight].out;
      work.weight_bytes = 0;
      break;
    default:
      break;
  }
  return work;
}

}  // namespace nf
