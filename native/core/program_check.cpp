#include "program_check.h"

#include <algorithm>

#include "check.h"

namespace nf {

namespace {

constexpr uint32_t kCheckedLayers = 6;

// A range of bytes in a space: the arena, or the KV pages of one layer (in rows of the step).
struct Access {
  uint32_t space;  // 0: arena; 1 + l: KV pages of layer l
  size_t begin;
  size_t end;
  bool write;
  bool conflicts(const Access& other) const {
    return (write || other.write) && space == other.space && begin < other.end && other.begin < end;
  }
};

struct Node {
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

class Checker {
 public:
  Checker(const Program& program, uint32_t rows, uint32_t samples)
      : program_(program),
        graph_(program.graph()),
        rows_(rows),
        samples_(samples),
        layers_(std::min(graph_.dims.num_layers, kCheckedLayers)) {
    unroll();
  }

  std::string run() {
    Order order(nodes_.size());
    build(order);
    for (size_t b = 0; b < nodes_.size(); ++b) {
      if (std::string text = check_reads(order, b); !text.empty()) return text;
      if (std::string text = check_bounds(order, b); !text.empty()) return text;
      for (size_t a = 0; a < b; ++a) {
        if (order.before(finish_of(a), start_of(b))) continue;
        if (conflict(nodes_[a], nodes_[b])) {
          return "unordered " + name(a) + " and " + name(b) + " touch the same bytes";
        }
      }
    }
    return {};
  }

 private:
  uint32_t last_tick() const { return layers_ + 1; }
  uint32_t layer_of(uint32_t tick) const {
    if (tick == 0 || layers_ == 0) return 0;
    return std::min(tick - 1, layers_ - 1);
  }
  const BoundNanoOp& bound(const Node& node) const { return program_.nano_ops()[node.nano_op]; }
  uint32_t rows_in(RowSpace space) const { return space == RowSpace::kSample ? samples_ : rows_; }

  std::string name(size_t node) const {
    const Node& n = nodes_[node];
    return bound(n).op->name + "[" + std::to_string(n.rows.begin) + ".." +
           std::to_string(n.rows.end) + "] at tick " + std::to_string(n.tick);
  }

  void unroll() {
    for (uint32_t tick = 0; tick <= last_tick(); ++tick) {
      const auto segment = tick == 0             ? NF_SEGMENT_PROLOGUE
                           : tick == last_tick() ? NF_SEGMENT_EPILOGUE
                                                 : NF_SEGMENT_LAYER;
      for (uint16_t i = 0; i < program_.nano_ops().size(); ++i) {
        const BoundNanoOp& op = program_.nano_ops()[i];
        if (op.nano.segment != segment) continue;
        Node node{tick, i, program_.scale(op, rows_in(op.op->rows)), {}};
        if (!node.rows.empty()) add_accesses(node);
        nodes_.push_back(std::move(node));
      }
    }
  }

  void add_accesses(Node& node) const {
    const Op& op = *bound(node).op;
    for (const Read& read : op.reads) {
      add_access(node, read.tensor, read_rows(node, read), false);
    }
    for (const TensorId written : {op.writes, op.writes2}) {
      if (written != kNone) add_access(node, written, node.rows, true);
    }
  }

  RowRange read_rows(const Node& node, const Read& read) const {
    if (read.reach == Reach::kSame) return node.rows;
    if (read.reach == Reach::kPrefix) return {0, node.rows.end};
    return {0, rows_in(graph_.tensors[read.tensor].space)};
  }

  void add_access(Node& node, TensorId tensor, RowRange rows, bool write) const {
    const TensorInfo& info = graph_.tensors[tensor];
    const uint32_t layer = layer_of(node.tick);
    if (info.space == RowSpace::kKvPage) {
      node.accesses.push_back({1 + layer, rows.begin, rows.end, write});
      return;
    }
    const size_t base = program_.memory().layout.offset(graph_, tensor, layer);
    const size_t row_bytes = info.width * size_of(info.dtype);
    node.accesses.push_back({0, base + rows.begin * row_bytes, base + rows.end * row_bytes, write});
  }

  size_t find(uint32_t tick, uint16_t nano_op) const {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].tick == tick && nodes_[i].nano_op == nano_op) return i;
    }
    NF_ASSERT(!"a wait names an instance that does not exist");
    return 0;
  }

  void build(Order& order) const {
    std::vector<int> last_on_lane(program_.num_lanes(), -1);
    for (size_t b = 0; b < nodes_.size(); ++b) {
      const BoundNanoOp& op = bound(nodes_[b]);
      int& last = last_on_lane[op.nano.lane];
      if (last >= 0) order.add(finish_of(static_cast<size_t>(last)), start_of(b));
      const bool layer = op.nano.segment == NF_SEGMENT_LAYER;
      const size_t variant = layer ? std::min<size_t>(nodes_[b].tick - 1, kWaitVariants - 1) : 0;
      for (const Wait& wait : op.waits[variant]) {
        const size_t a = find(nodes_[b].tick - wait.ticks_back, wait.source);
        order.add(wait.on_start ? start_of(a) : finish_of(a), start_of(b));
      }
      order.add(start_of(b), finish_of(b));
      last = static_cast<int>(b);
    }
  }

  static bool conflict(const Node& a, const Node& b) {
    for (const Access& x : a.accesses) {
      for (const Access& y : b.accesses) {
        if (x.conflicts(y)) return true;
      }
    }
    return false;
  }

  // Does node a produce rows that node b reads through `read`?
  bool produces(const Node& a, const Node& b, const Read& read) const {
    const Op& writer = *bound(a).op;
    const bool reads_carry =
        (read.tensor == graph_.carry_in && b.tick > 0) ||
        (read.tensor == graph_.carry_out && bound(b).nano.segment == NF_SEGMENT_EPILOGUE);
    if (reads_carry) {
      if (a.tick + 1 != b.tick) return false;
      const TensorId carry = a.tick == 0 ? graph_.carry_in : graph_.carry_out;
      if (writer.writes != carry) return false;
    } else {
      if (a.tick != b.tick) return false;
      if (writer.writes != read.tensor && writer.writes2 != read.tensor) return false;
    }
    const RowRange needed = read_rows(b, read);
    return a.rows.begin < needed.end && needed.begin < a.rows.end;
  }

  std::string check_reads(const Order& order, size_t b) const {
    if (nodes_[b].rows.empty()) return {};
    for (const Read& read : bound(nodes_[b]).op->reads) {
      for (size_t a = 0; a < nodes_.size(); ++a) {
        if (nodes_[a].rows.empty() || !produces(nodes_[a], nodes_[b], read)) continue;
        if (!order.before(finish_of(a), start_of(b))) {
          return name(b) + " may run before " + name(a) + ", which it needs";
        }
      }
    }
    return {};
  }

  std::string check_bounds(const Order& order, size_t b) const {
    for (size_t a = 0; a < b; ++a) {
      if (nodes_[a].tick + 2 <= nodes_[b].tick && !order.before(finish_of(a), start_of(b))) {
        return name(b) + " may run two layers ahead of " + name(a);
      }
    }
    for (const nf_order_edge& edge : program_.plan().order_edges) {
      if (edge.later != nodes_[b].nano_op) continue;
      const size_t a = find(nodes_[b].tick, edge.earlier);
      const bool on_start = edge.kind == NF_ORDER_AFTER_START;
      if (!order.before(on_start ? start_of(a) : finish_of(a), start_of(b))) {
        return name(b) + " may break its order edge after " + name(a);
      }
    }
    return {};
  }

  const Program& program_;
  const Graph& graph_;
  uint32_t rows_;
  uint32_t samples_;
  uint32_t layers_;
  std::vector<Node> nodes_;  // in issue order
};

}  // namespace

std::string check_program(const Program& program, uint32_t rows, uint32_t samples) {
  return Checker(program, rows, samples).run();
}

}  // namespace nf
