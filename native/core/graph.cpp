#include "graph.h"

#include "check.h"

namespace nf {

namespace {

// FNV-1a over the bytes of plain values, so that the hash does not depend on padding.
class Hash {
 public:
  void add(const std::string& text) {
    for (const char c : text) add_byte(static_cast<uint8_t>(c));
    add_byte(0);
  }
  void add(uint64_t value) {
    for (int i = 0; i < 8; ++i) add_byte(static_cast<uint8_t>(value >> (8 * i)));
  }
  uint64_t value() const { return value_; }

 private:
  void add_byte(uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3ull; }
  uint64_t value_ = 0xcbf29ce484222325ull;
};

}  // namespace

TensorId Graph::add_tensor(std::string name, RowSpace space, DType dtype, uint32_t width) {
  tensors.push_back({std::move(name), space, dtype, width});
  return static_cast<TensorId>(tensors.size() - 1);
}

WeightId Graph::add_weight(Weight weight) {
  weights.push_back(std::move(weight));
  return static_cast<WeightId>(weights.size() - 1);
}

Op& Graph::add_op(nf_segment segment, std::string name, OpKind kind, Resource resource) {
  Op op;
  op.name = std::move(name);
  op.kind = kind;
  op.resource = resource;
  op.segment = segment;
  segments[segment].push_back(std::move(op));
  return segments[segment].back();
}

uint64_t Graph::hash() const {
  Hash hash;
  hash.add(uint64_t{dims.num_layers});
  for (const uint32_t window : layer_windows) hash.add(uint64_t{window});
  for (const Weight& weight : weights) {
    hash.add(weight.name);
    hash.add((uint64_t{weight.out} << 32) | weight.in);
  }
  for (const TensorInfo& tensor : tensors) {
    hash.add(tensor.name);
    hash.add(uint64_t{tensor.width});
    hash.add(static_cast<uint64_t>(tensor.dtype));
  }
  for (const auto& ops : segments) {
    for (const Op& op : ops) {
      hash.add(op.name);
      hash.add(static_cast<uint64_t>(op.kind));
      for (const Read& read : op.reads) {
        hash.add(uint64_t{read.tensor});
        hash.add(static_cast<uint64_t>(read.reach));
      }
      hash.add((uint64_t{op.writes} << 16) | op.writes2);
      hash.add((uint64_t{op.shape.out} << 32) | op.shape.in);
      hash.add((uint64_t{op.shape.num_heads} << 32) | op.shape.num_kv_heads);
      hash.add(uint64_t{op.shape.head_dim});
      if (op.shape.slots > 0) hash.add((uint64_t{op.shape.num_experts} << 32) | op.shape.slots);
    }
    hash.add(uint64_t{ops.size()});
  }
  return hash.value();
}

}  // namespace nf
