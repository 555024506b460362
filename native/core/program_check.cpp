#include "program_check.h"

#include <algorithm>

#include "check.h"

namespace nf {

namespace {

// Enough layers for every list of waits to meet every other, and the parity of the real number, so
// that the epilogue meets the copies of the arena that it really meets.
uint32_t checked_layers(uint32_t layers) { return layers <= 6 ? layers : 6 + layers % 2; }

// A range of bytes in a space: the arena, or the KV pages of one layer (in rows of the step).
struct Access {
  TensorId tensor;
  uint32_t space;  // 0: arena; 1 + l: KV pages of layer l
  size_t begin;
  size_t end;
  bool write;
  bool overlaps(const Access& other) const {
    return space == other.space && begin < other.end && other.begin < end;
  }
};

// One nano-op in one instance of its segment.
struct Node {
  const Op* op;
  uint32_t tick;
  uint16_t nano_op;
  RowRange rows;
  std::vector<Access> accesses;
};

// Reachability over 2 points a node: 2i is the start, 2i + 1 the finish of node i.
class Order {
 public:
  explicit Order(size_t nodes) : words_((2 * nodes + 63) / 64), before_(2 * nodes * words_, 0) {}

  // Edges must be added in topological order of `to`.
  void add(size_t from, size_t to) {
    uint64_t* row = &before_[to * words_];
    const uint64_t* source = &before_[from * words_];
    for (size_t w = 0; w < words_; ++w) row[w] |= source[w];
    row[from / 64] |= uint64_t{1} << (from % 64);
  }
  bool before(size_t from, size_t to) const {
    return (before_[to * words_ + from / 64] >> (from % 64)) & 1;
  }

 private:
  size_t words_;
  std::vector<uint64_t> before_;  // [point][point that comes before]
};

size_t start_of(size_t node) { return 2 * node; }
size_t finish_of(size_t node) { return 2 * node + 1; }

// Decode and prefill attention name the same rows of the same tensor, and the batch divides them: a
// row is one or the other.
bool divide_rows(const Node& a, const Node& b) {
  const auto attends = [](const Node& node) {
    return node.op->kind == OpKind::kDecodeAttention || node.op->kind == OpKind::kPrefillAttention;
  };
  return attends(a) && attends(b) && a.op->kind != b.op->kind && a.tick == b.tick;
}

// The nodes of a step with what they touch; subclasses of work give them an order.
class UnrolledStep {
 public:
  UnrolledStep(const Graph& graph, const ArenaLayout& layout, uint32_t rows, uint32_t samples)
      : graph_(graph),
        layout_(layout),
        rows_(rows),
        samples_(samples),
        layers_(checked_layers(graph.dims.num_layers)) {}

  uint32_t num_ticks() const { return layers_ + 2; }
  nf_segment segment_at(uint32_t tick) const {
    if (tick == 0) return NF_SEGMENT_PROLOGUE;
    return tick <= layers_ ? NF_SEGMENT_LAYER : NF_SEGMENT_EPILOGUE;
  }
  // Sequences have the same bound as samples.
  uint32_t rows_in(RowSpace space) const {
    return space == RowSpace::kSample || space == RowSpace::kSequence ? samples_ : rows_;
  }
  const std::vector<Node>& nodes() const { return nodes_; }

  void add(const Op& op, uint32_t tick, uint16_t nano_op, RowRange rows) {
    Node node{&op, tick, nano_op, rows, {}};
    if (!rows.empty()) {
      for (const Read& read : op.reads) add_access(node, read.tensor, read_rows(node, read), false);
      for (const TensorId written : {op.writes, op.writes2}) {
        if (written != kNone) add_access(node, written, node.rows, true);
      }
    }
    nodes_.push_back(std::move(node));
  }

  // Does node a produce rows that node b reads through `read`?
  bool produces(const Node& a, const Node& b, const Read& read) const {
    if (a.rows.empty() || b.rows.empty()) return false;
    TensorId tensor = read.tensor;
    uint32_t tick = b.tick;
    const bool first = tensor == graph_.carry_in && b.tick > 0;
    const bool last = tensor == graph_.carry_out && b.op->segment == NF_SEGMENT_EPILOGUE;
    if (first || last) {
      tick = b.tick - 1;
      tensor = tick == 0 ? graph_.carry_in : graph_.carry_out;
    }
    if (a.tick != tick || (a.op->writes != tensor && a.op->writes2 != tensor)) return false;
    const RowRange needed = read_rows(b, read);
    return a.rows.begin < needed.end && needed.begin < a.rows.end;
  }

  // The first violation of memory safety under an order, or an empty string.
  std::string violation(const Order& order) const {
    for (size_t b = 0; b < nodes_.size(); ++b) {
      if (std::string text = read_violation(order, b); !text.empty()) return text;
      for (size_t a = 0; a < b; ++a) {
        if (order.before(finish_of(a), start_of(b))) continue;
        if (order.before(finish_of(b), start_of(a))) continue;
        if (conflict(nodes_[a], nodes_[b])) {
          return "unordered " + name(a) + " and " + name(b) + " touch the same bytes";
        }
      }
    }
    return {};
  }

  std::string name(size_t node) const {
    const Node& n = nodes_[node];
    return n.op->name + "[" + std::to_string(n.rows.begin) + ".." + std::to_string(n.rows.end) +
           "] at tick " + std::to_string(n.tick);
  }

 private:
  RowRange read_rows(const Node& node, const Read& read) const {
    if (read.reach == Reach::kSame) return node.rows;
    if (read.reach == Reach::kPrefix) return {0, node.rows.end};
    return {0, rows_in(graph_.tensors[read.tensor].space)};
  }

  void add_access(Node& node, TensorId tensor, RowRange rows, bool write) const {
    const TensorInfo& info = graph_.tensors[tensor];
    const uint32_t layer =
        node.tick == 0 || layers_ == 0 ? 0 : std::min(node.tick - 1, layers_ - 1);
    if (info.space == RowSpace::kKvPage) {
      node.accesses.push_back({tensor, 1 + layer, rows.begin, rows.end, write});
      return;
    }
    const size_t base = layout_.offset(graph_, tensor, layer);
    const size_t bytes = row_bytes(info.dtype, info.width);
    node.accesses.push_back({tensor, 0, base + rows.begin * bytes, base + rows.end * bytes, write});
  }

  static bool conflict(const Node& a, const Node& b) {
    if (divide_rows(a, b)) return false;
    for (const Access& x : a.accesses) {
      for (const Access& y : b.accesses) {
        if ((x.write || y.write) && x.overlaps(y)) return true;
      }
    }
    return false;
  }

  std::string read_violation(const Order& order, size_t b) const {
    for (const Read& read : nodes_[b].op->reads) {
      for (size_t a = 0; a < nodes_.size(); ++a) {
        if (!produces(nodes_[a], nodes_[b], read)) continue;
        if (!order.before(finish_of(a), start_of(b))) {
          return name(b) + " may run before " + name(a) + ", which it needs";
        }
        if (std::string text = overwrite(order, a, b, read.tensor); !text.empty()) return text;
      }
    }
    return {};
  }

  // Does anything write between producer a and reader b over the bytes that b reads?
  std::string overwrite(const Order& order, size_t a, size_t b, TensorId tensor) const {
    for (size_t w = 0; w < nodes_.size(); ++w) {
      if (w == a || w == b || divide_rows(nodes_[w], nodes_[a])) continue;
      if (order.before(finish_of(w), start_of(a)) || order.before(finish_of(b), start_of(w))) {
        continue;
      }
      for (const Access& written : nodes_[w].accesses) {
        for (const Access& product : nodes_[a].accesses) {
          for (const Access& seen : nodes_[b].accesses) {
            if (!written.write || !product.write || seen.write || seen.tensor != tensor) continue;
            if (written.overlaps(product) && written.overlaps(seen) && product.overlaps(seen)) {
              return name(w) + " may overwrite what " + name(b) + " reads from " + name(a);
            }
          }
        }
      }
    }
    return {};
  }

  const Graph& graph_;
  const ArenaLayout& layout_;
  uint32_t rows_;
  uint32_t samples_;
  uint32_t layers_;
  std::vector<Node> nodes_;  // producers before consumers
};

size_t find_node(const UnrolledStep& step, uint32_t tick, uint16_t nano_op) {
  const auto& nodes = step.nodes();
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].tick == tick && nodes[i].nano_op == nano_op) return i;
  }
  NF_ASSERT(!"a wait names an instance that does not exist");
  return 0;
}

// The order that lanes and waits give.
Order program_order(const UnrolledStep& step, const Program& program) {
  const auto& nodes = step.nodes();
  Order order(nodes.size());
  std::vector<size_t> last_on_lane(program.num_lanes(), nodes.size());
  for (size_t b = 0; b < nodes.size(); ++b) {
    const BoundNanoOp& bound = program.nano_ops()[nodes[b].nano_op];
    size_t& last = last_on_lane[bound.nano.lane];
    if (last < nodes.size()) order.add(finish_of(last), start_of(b));
    const bool layer = bound.nano.segment == NF_SEGMENT_LAYER;
    const size_t variant = layer ? std::min<size_t>(nodes[b].tick - 1, kWaitVariants - 1) : 0;
    for (const Wait& wait : bound.waits[variant]) {
      const size_t a = find_node(step, nodes[b].tick - wait.ticks_back, wait.source);
      order.add(wait.on_start ? start_of(a) : finish_of(a), start_of(b));
    }
    order.add(start_of(b), finish_of(b));
    last = b;
  }
  return order;
}

// Does a segment instance compute every row of every op exactly once?
std::string cover_violation(const UnrolledStep& step, const Program& program, uint32_t tick) {
  for (const Op& op : program.graph().ops(step.segment_at(tick))) {
    std::vector<RowRange> ranges;
    for (const Node& node : step.nodes()) {
      if (node.tick == tick && node.op == &op && !node.rows.empty()) ranges.push_back(node.rows);
    }
    std::sort(ranges.begin(), ranges.end(),
              [](const RowRange& a, const RowRange& b) { return a.begin < b.begin; });
    uint32_t next = 0;
    bool once = true;
    for (const RowRange& range : ranges) {
      once = once && range.begin == next;
      next = range.end;
    }
    if (!once || next != step.rows_in(op.rows)) {
      return op.name + " at tick " + std::to_string(tick) + " leaves a row out or repeats one";
    }
  }
  return {};
}

// Run-ahead and order edges: what a plan asks for beyond the data.
std::string bound_violation(const UnrolledStep& step, const Program& program, const Order& order) {
  const auto& nodes = step.nodes();
  for (size_t b = 0; b < nodes.size(); ++b) {
    for (size_t a = 0; a < b; ++a) {
      if (nodes[a].tick + 2 <= nodes[b].tick && !order.before(finish_of(a), start_of(b))) {
        return step.name(b) + " may run two layers ahead of " + step.name(a);
      }
    }
    for (const nf_order_edge& edge : program.plan().order_edges) {
      if (edge.later != nodes[b].nano_op) continue;
      const size_t a = find_node(step, nodes[b].tick, edge.earlier);
      const bool on_start = edge.kind == NF_ORDER_AFTER_START;
      if (!order.before(on_start ? start_of(a) : finish_of(a), start_of(b))) {
        return step.name(b) + " may break its order edge after " + step.name(a);
      }
    }
  }
  return {};
}

}  // namespace

std::string check_program(const Program& program, uint32_t rows, uint32_t samples) {
  UnrolledStep step(program.graph(), program.memory().layout, rows, samples);
  for (uint32_t tick = 0; tick < step.num_ticks(); ++tick) {
    for (uint16_t i = 0; i < program.nano_ops().size(); ++i) {
      const BoundNanoOp& bound = program.nano_ops()[i];
      if (bound.nano.segment != step.segment_at(tick)) continue;
      step.add(*bound.op, tick, i, program.scale(bound, step.rows_in(bound.op->rows)));
    }
  }
  for (uint32_t tick = 0; tick < step.num_ticks(); ++tick) {
    if (std::string text = cover_violation(step, program, tick); !text.empty()) return text;
  }
  const Order order = program_order(step, program);
  std::string text = step.violation(order);
  return text.empty() ? bound_violation(step, program, order) : text;
}

std::string check_arena(const Graph& graph, const ArenaLayout& layout, uint32_t rows,
                        uint32_t samples) {
  UnrolledStep step(graph, layout, rows, samples);
  for (uint32_t tick = 0; tick < step.num_ticks(); ++tick) {
    for (const Op& op : graph.ops(step.segment_at(tick))) {
      const uint32_t count = step.rows_in(op.rows);
      for (uint32_t row = 0; row < count; ++row) step.add(op, tick, 0, {row, row + 1});
    }
  }
  const auto& nodes = step.nodes();
  Order order(nodes.size());
  for (size_t b = 0; b < nodes.size(); ++b) {
    for (size_t a = 0; a < b; ++a) {
      bool ordered = nodes[a].tick + 2 <= nodes[b].tick;  // the bound on running ahead
      for (const Read& read : nodes[b].op->reads) {
        ordered = ordered || step.produces(nodes[a], nodes[b], read);
      }
      if (ordered) order.add(finish_of(a), start_of(b));
    }
    order.add(start_of(b), finish_of(b));
  }
  for (const ArenaSlot& slot : layout.slots) {
    const size_t bytes = slot.row_bytes * step.rows_in(slot.space);
    for (const size_t offset : slot.offset) {
      if (offset > layout.total_bytes || bytes > layout.total_bytes - offset) {
        return "a tensor reaches beyond the arena";
      }
    }
  }
  return step.violation(order);
}

}  // namespace nf
