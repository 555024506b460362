// Lowering: waits are derived, sufficient and minimal; the arena is safe under every plan; bad
// plans are refused with the reason.

#include <random>

#include "check.h"
#include "core/check.h"
#include "core/program_check.h"
#include "random_plan.h"
#include "tiny_model.h"

namespace {

constexpr uint32_t kRows = test::TinyModel::kMaxSequences;  // of tokens and of samples alike

std::string refusal(test::TinyModel& model, const nf::Plan& plan) {
  try {
    model.add_program(plan);
  } catch (const nf::Error& error) {
    return error.status() == NF_INVALID_PLAN ? error.what() : "wrong status";
  }
  return "accepted";
}

bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

constexpr uint32_t kArenaRows = 5;
constexpr uint32_t kArenaSamples = 3;

// Moves one copy of a slot by a row towards its neighbours: the overlap must be found. Only across
// the border between layer and epilogue it is harmless: the epilogue starts when all rows of the
// last layer are read.
void check_shifts(const nf::Graph& graph, nf::ArenaLayout layout, size_t index, size_t copy) {
  const nf::ArenaSlot original = layout.slots[index];
  const bool single = original.offset[0] == original.offset[1];
  const auto space_at = [&](size_t i) {
    return layout.slots[std::min(i, layout.slots.size() - 1)].space;
  };
  const auto caught = [&](size_t offset) {
    nf::ArenaSlot& slot = layout.slots[index];
    slot.offset[copy] = offset;
    if (single) slot.offset[1 - copy] = offset;
    const bool found = !nf::check_arena(graph, layout, kArenaRows, kArenaSamples).empty();
    slot = original;
    return found;
  };
  if (copy == 0 || single || space_at(index + 1) == original.space) {
    CHECK(caught(original.offset[copy] + original.row_bytes));
  }
  if ((copy == 1 && !single) || index == 0 || space_at(index - 1) == original.space) {
    CHECK(caught(original.offset[copy] - original.row_bytes));  // wraps round at the very front
  }
}

}  // namespace

// Without a layer before or after it, with one, with all lists of waits in use, and beyond.
TEST("every wait that lowering keeps is needed: removing any one is caught") {
  std::mt19937_64 random(test::seed());
  test::TinyModel models[] = {test::TinyModel({.layers = 1}),
                              test::TinyModel({.layers = 2}),
                              test::TinyModel({.layers = 3}),
                              test::TinyModel({.layers = 5}),
                              test::TinyModel({.layers = 8}),
                              test::TinyModel({.layers = 2,
                                               .architecture = "MixtralForCausalLM",
                                               .experts = 4,
                                               .experts_per_token = 2})};
  int removed = 0;
  for (int i = 0; i < test::scale(40, 400); ++i) {
    test::TinyModel& model = models[i % 6];
    nf::Program& program = model.add_program(
        test::random_plan(model.engine().graph(), model.engine().device(), kRows, random));
    REQUIRE(nf::check_program(program, kRows, kRows).empty());
    for (nf::BoundNanoOp& bound : program.mutable_nano_ops()) {
      for (auto& waits : bound.waits) {
        for (size_t w = 0; w < waits.size(); ++w) {
          const nf::Wait wait = waits[w];
          waits.erase(waits.begin() + static_cast<std::ptrdiff_t>(w));
          CHECK(!nf::check_program(program, kRows, kRows).empty());
          waits.insert(waits.begin() + static_cast<std::ptrdiff_t>(w), wait);
          ++removed;
        }
      }
    }
    model.engine().destroy_program(&program);
  }
  CHECK(removed > 100);
}

TEST("the arena is safe under every plan, and any shifted tensor is caught") {
  const test::TinyOptions shapes[] = {
      {.layers = 4},
      {.layers = 4, .tied = true},
      // Rows of whole cache lines: within the padding of a smaller tensor a shift does no harm.
      {.layers = 4, .architecture = "MixtralForCausalLM", .experts = 16, .experts_per_token = 16}};
  for (const test::TinyOptions& options : shapes) {
    test::TinyModel model(options);
    const nf::Graph& graph = model.engine().graph();
    nf::ArenaLayout layout = nf::place_arena(graph, kArenaRows, kArenaSamples);
    CHECK_EQ(nf::check_arena(graph, layout, kArenaRows, kArenaSamples), std::string());
    for (size_t i = 0; i < layout.slots.size(); ++i) {
      for (const size_t copy : {0, 1}) check_shifts(graph, layout, i, copy);
    }
  }
}

TEST("tensors whose lives never meet share their rows") {
  test::TinyModel model({.layers = 2});
  const nf::ArenaLayout& layout = model.engine().memory().layout;
  const nf::Graph& graph = model.engine().graph();
  size_t in_arena = 0;
  for (const nf::TensorInfo& tensor : graph.tensors) {
    in_arena += tensor.space != nf::RowSpace::kKvPage;
  }
  CHECK(layout.slots.size() + 2 <= in_arena);
}

TEST("a scaled plan keeps its ranges in order and covers every row") {
  test::TinyModel model({.layers = 1});
  std::mt19937_64 random(test::seed());
  for (int i = 0; i < 50; ++i) {
    const auto step_rows = 1 + static_cast<uint32_t>(random() % 500);
    nf::Program& program = model.add_program(
        test::random_plan(model.engine().graph(), model.engine().device(), step_rows, random));
    for (uint32_t rows = 1; rows <= 64; ++rows) {
      uint64_t covered = 0;
      for (const nf::BoundNanoOp& bound : program.nano_ops()) {
        const nf::RowRange range = program.scale(bound, rows);
        CHECK(range.begin <= range.end && range.end <= rows);
        if (bound.nano.segment == NF_SEGMENT_LAYER && bound.nano.op == 0) covered += range.size();
      }
      CHECK_EQ(covered, uint64_t{rows});
    }
  }
}

TEST("the sequential plan needs no wait") {
  test::TinyModel model({.layers = 6});
  for (const nf::BoundNanoOp& bound : model.sequential().nano_ops()) {
    for (const auto& waits : bound.waits) CHECK(waits.empty());
    CHECK(!bound.signals_finish && !bound.signals_start);
  }
}

TEST("plan validation refuses with the reason") {
  test::TinyModel model({.layers = 2});
  const nf::Graph& graph = model.engine().graph();
  const nf::Plan good = nf::sequential_plan(graph, 4);
  const auto broken = [&](auto change) {
    nf::Plan plan = good;
    change(plan);
    return refusal(model, plan);
  };
  CHECK_EQ(refusal(model, good), std::string("accepted"));
  CHECK(says(broken([](nf::Plan& p) { p.step_rows = 0; }), "step_rows"));
  CHECK(says(broken([](nf::Plan& p) { p.lanes.clear(); }), "no lane"));
  CHECK(says(broken([](nf::Plan& p) { p.lanes[0].partition = 3; }), "does not exist"));
  CHECK(says(broken([](nf::Plan& p) { p.partitions[0].num_units = 0; }), "no units"));
  CHECK(says(broken([](nf::Plan& p) { p.partitions[0].num_units = 5; }), "the device has 4"));
  CHECK(says(broken([](nf::Plan& p) {
               p.partitions = {{NF_PARTITION_DISJOINT, 0, 2, 0}, {NF_PARTITION_DISJOINT, 1, 2, 0}};
             }),
             "shares units"));
  // Two lanes on one hard split: each may have a part of it, not both all of it.
  const auto split = [](nf::Plan& p) {
    p.partitions[0].kind = NF_PARTITION_DISJOINT;
    p.lanes.push_back({0, 0});
    p.nano_ops.back().lane = 1;
  };
  CHECK(says(broken(split), "together ask for 8 units"));
  CHECK_EQ(broken([&](nf::Plan& p) {
             split(p);
             for (nf_nano_op& nano : p.nano_ops) nano.units = 2;
           }),
           std::string("accepted"));
  CHECK(says(broken([](nf::Plan& p) { p.nano_ops.pop_back(); }), "not covered exactly once"));
  CHECK(says(broken([](nf::Plan& p) { p.nano_ops.push_back(p.nano_ops.back()); }),
             "not covered exactly once"));
  CHECK(says(broken([](nf::Plan& p) { p.nano_ops[0].row_end = 2; }), "no rows within"));
  CHECK(says(broken([](nf::Plan& p) { p.nano_ops[1].op = 99; }), "does not exist"));
  CHECK(says(broken([](nf::Plan& p) { p.nano_ops[1].lane = 1; }), "does not exist"));
  CHECK(says(broken([](nf::Plan& p) { p.nano_ops[1].units = 5; }), "5 units"));
  CHECK(says(broken([](nf::Plan& p) { p.nano_ops[1].kernel = 9; }), "no kernel 9"));
  CHECK(says(broken([](nf::Plan& p) { p.nano_ops[1].segment = 7; }), "unknown segment"));
  CHECK(
      says(broken([](nf::Plan& p) { std::swap(p.nano_ops[1], p.nano_ops[2]); }), "which it needs"));
  CHECK(says(broken([](nf::Plan& p) { std::swap(p.nano_ops[0], p.nano_ops[1]); }),
             "earlier segment"));
  CHECK(says(broken([](nf::Plan& p) { p.order_edges = {{2, 1, 0, 0}}; }), "earlier to a later"));
  CHECK(says(broken([](nf::Plan& p) { p.order_edges = {{0, 2, 0, 0}}; }), "crosses segments"));
}

TEST("a hard split is refused where there is none, and where it does not fall on steps of units") {
  test::TinyModel model({.layers = 1});
  nf_device_info device = model.engine().device();
  device.num_units = 132;
  device.unit_step = 8;
  const auto refused = [&](uint16_t first, uint16_t count) -> std::string {
    nf::Plan plan = nf::sequential_plan(model.engine().graph(), count);
    plan.partitions[0] = {NF_PARTITION_DISJOINT, first, count, 0};
    try {
      nf::validate_plan(plan, model.engine().graph(), device);
    } catch (const nf::Error& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK_EQ(refused(0, 64), std::string("accepted"));
  CHECK_EQ(refused(64, 68), std::string("accepted"));  // the rest
  CHECK_EQ(refused(0, 132), std::string("accepted"));
  CHECK(says(refused(0, 60), "takes steps of 8, or the rest"));
  CHECK(says(refused(4, 64), "takes steps of 8, or the rest"));
  device.flags = 0;
  CHECK(says(refused(0, 64), "this device has no hard split"));
}

TEST("a start that a lane knows of is not waited for again") {
  test::TinyModel model({.layers = 3});
  const nf::Graph& graph = model.engine().graph();
  // All ops in two halves, the first on lane 1, the second on lane 0.
  nf::Plan plan;
  plan.step_rows = kRows;
  plan.partitions = {{NF_PARTITION_SHARED, 0, 4, 0}};
  plan.lanes = {{0, 0}, {0, 0}};
  for (const nf_segment segment : {NF_SEGMENT_PROLOGUE, NF_SEGMENT_LAYER, NF_SEGMENT_EPILOGUE}) {
    for (uint16_t op = 0; op < graph.ops(segment).size(); ++op) {
      const auto part = static_cast<uint16_t>(segment);
      plan.nano_ops.push_back({part, op, 0, 0, 0, 0, kRows / 2, kRows});
      plan.nano_ops.push_back({part, op, 1, 0, 0, 0, 0, kRows / 2});
    }
  }
  // In the layer, the second half of the norm starts before the first halves of the norm and of the
  // GEMM that follows: the second edge is implied by the first.
  plan.order_edges = {{2, 3, NF_ORDER_AFTER_START, 0}, {2, 5, NF_ORDER_AFTER_START, 0}};
  nf::Program& program = model.add_program(plan);
  CHECK_EQ(nf::check_program(program, kRows, kRows), std::string());
  for (const auto& waits : program.nano_ops()[5].waits) CHECK(waits.empty());
  for (const auto& waits : program.nano_ops()[3].waits) CHECK(!waits.empty());
}

TEST("a nano-op that loses a row is caught") {
  test::TinyModel model({.layers = 2});
  nf::Program& program = model.add_program(nf::sequential_plan(model.engine().graph(), 4));
  for (nf::BoundNanoOp& bound : program.mutable_nano_ops()) {
    const nf_nano_op whole = bound.nano;
    bound.nano.row_end = 0;
    CHECK(says(nf::check_program(program, kRows, kRows), "leaves a row out"));
    bound.nano = whole;
  }
  CHECK_EQ(nf::check_program(program, kRows, kRows), std::string());
}
