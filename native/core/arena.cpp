#include "arena.h"

#include "check.h"

namespace nf {

namespace {

constexpr size_t kAlignment = 64;

size_t align(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// For one and the same row: does op `first` always come before op `second` in a layer?
class RowOrder {
 public:
  explicit RowOrder(const std::vector<Op>& ops) : before_(ops.size(), Bits(ops.size(), false)) {
    for (size_t later = 0; later < ops.size(); ++later) {
      for (size_t earlier = 0; earlier < later; ++earlier) {
        if (reads_from(ops[later], ops[earlier])) add(earlier, later);
      }
    }
  }
  bool before(size_t first, size_t second) const { return before_[second][first]; }

 private:
  using Bits = std::vector<bool>;

  static bool reads_from(const Op& reader, const Op& writer) {
    for (const Read& read : reader.reads) {
      if (read.tensor == writer.writes || read.tensor == writer.writes2) return true;
    }
    return false;
  }

  void add(size_t earlier, size_t later) {
    before_[later][earlier] = true;
    for (size_t op = 0; op < earlier; ++op) {
      if (before_[earlier][op]) before_[later][op] = true;
    }
  }

  std::vector<Bits> before_;  // [later][earlier]
};

struct Uses {
  std::vector<size_t> ops;  // that read or write the tensor
  std::vector<size_t> writers;
  bool row_local = true;  // no reader looks at other rows
};

Uses uses_of(TensorId tensor, const std::vector<Op>& ops) {
  Uses uses;
  for (size_t i = 0; i < ops.size(); ++i) {
    bool touches = false;
    for (const Read& read : ops[i].reads) {
      if (read.tensor != tensor) continue;
      touches = true;
      uses.row_local = uses.row_local && read.reach == Reach::kSame;
    }
    if (ops[i].writes == tensor || ops[i].writes2 == tensor) {
      touches = true;
      uses.writers.push_back(i);
    }
    if (touches) uses.ops.push_back(i);
  }
  return uses;
}

// May `next` take over the rows of `previous`?
bool may_follow(const Uses& previous, const Uses& next, const RowOrder& order) {
  if (!previous.row_local) return false;
  for (const size_t use : previous.ops) {
    for (const size_t writer : next.writers) {
      if (!order.before(use, writer)) return false;
    }
  }
  return true;
}

class Placer {
 public:
  Placer(const Graph& graph, uint32_t max_rows, uint32_t max_samples)
      : graph_(graph),
        order_(graph.ops(NF_SEGMENT_LAYER)),
        max_rows_(max_rows),
        max_samples_(max_samples) {
    layout_.tensor_slot.assign(graph.tensors.size(), kNone);
  }

  ArenaLayout place() {
    for (TensorId t = 0; t < graph_.tensors.size(); ++t) {
      if (graph_.tensors[t].space != RowSpace::kKvPage) assign(t);
    }
    for (ArenaSlot& slot : layout_.slots) set_offsets(slot);
    return std::move(layout_);
  }

 private:
  void assign(TensorId tensor) {
    if (tensor == graph_.carry_out && graph_.carry_in < tensor) {
      layout_.tensor_slot[tensor] = layout_.tensor_slot[graph_.carry_in];
      return;
    }
    const TensorInfo& info = graph_.tensors[tensor];
    const size_t bytes = row_bytes(info.dtype, info.width);
    const Uses uses = uses_of(tensor, graph_.ops(NF_SEGMENT_LAYER));
    const bool in_layer = !uses.ops.empty();
    if (in_layer && tensor != graph_.carry_in) {
      for (uint16_t s = 0; s < layout_.slots.size(); ++s) {
        if (layout_.slots[s].row_bytes != bytes || last_in_slot_[s] == kNone) continue;
        if (layout_.slots[s].space != info.space) continue;
        const Uses last = uses_of(last_in_slot_[s], graph_.ops(NF_SEGMENT_LAYER));
        if (!may_follow(last, uses, order_)) continue;
        layout_.tensor_slot[tensor] = s;
        last_in_slot_[s] = tensor;
        return;
      }
    }
    layout_.tensor_slot[tensor] = static_cast<uint16_t>(layout_.slots.size());
    layout_.slots.push_back({bytes, info.space, {0, 0}});
    copies_.push_back(in_layer ? 2u : 1u);
    last_in_slot_.push_back(in_layer && tensor != graph_.carry_in ? tensor : kNone);
  }

  void set_offsets(ArenaSlot& slot) {
    const auto index = static_cast<size_t>(&slot - layout_.slots.data());
    const size_t rows = slot.space == RowSpace::kSample ? max_samples_ : max_rows_;
    for (uint32_t copy = 0; copy < 2; ++copy) {
      if (copy < copies_[index]) {
        slot.offset[copy] = layout_.total_bytes;
        layout_.total_bytes += align(rows * slot.row_bytes);
      } else {
        slot.offset[copy] = slot.offset[0];
      }
    }
  }

  const Graph& graph_;
  RowOrder order_;
  uint32_t max_rows_;
  uint32_t max_samples_;
  ArenaLayout layout_;
  std::vector<TensorId> last_in_slot_;  // kNone: not for sharing
  std::vector<uint32_t> copies_;
};

}  // namespace

ArenaLayout place_arena(const Graph& graph, uint32_t max_rows, uint32_t max_samples) {
  return Placer(graph, max_rows, max_samples).place();
}

size_t ArenaLayout::offset(const Graph& graph, TensorId tensor, uint32_t layer) const {
  const uint32_t parity = tensor == graph.carry_out ? layer + 1 : layer;
  return slots[tensor_slot[tensor]].offset[parity & 1];
}

}  // namespace nf
