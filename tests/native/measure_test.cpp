// Measuring nano-ops: every kind on every backend, together and alone; what is refused; and that a
// step afterwards does not notice.

#include <cstring>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "check.h"
#include "core/check.h"
#include "tiny_model.h"

namespace {

// A decode at position 20 in pages 0 and 1, and a chunk of 30 rows from position 16 in pages 2, 3
// and 4; both sample.
constexpr nf_step_shape kShape{2, 1, 31, 5};

void write_step(nf::Engine& engine) {
  nf_step_buffers step{};
  engine.map(0, step);
  for (uint32_t page = 0; page < kShape.num_pages; ++page) step.pages[page] = page;
  std::fill_n(step.tokens, kShape.num_rows, 1);
  step.sequences[0] = {0, 1, 20, 0, 2, 0, NF_SEQUENCE_SAMPLE, 0};
  step.sequences[1] = {1, 30, 16, 2, 3, 0, NF_SEQUENCE_SAMPLE | NF_SEQUENCE_POOL_LAST, 0};
  std::fill_n(step.sampling, 2, nf_sampling{0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

// Two lanes: the second half of the rows of every op runs on lane 1, the first on lane 0. The
// nano-ops of an op follow each other.
nf::Plan halves(const nf::Graph& graph) {
  nf::Plan whole = nf::sequential_plan(graph, 2);
  nf::Plan plan = whole;
  plan.step_rows = 2;
  plan.lanes.push_back({0, 0});
  plan.nano_ops.clear();
  for (nf_nano_op nano : whole.nano_ops) {
    for (uint16_t half = 0; half < 2; ++half) {
      nano.lane = half;
      nano.row_begin = half;
      nano.row_end = half + 1u;
      plan.nano_ops.push_back(nano);
    }
  }
  return plan;
}

uint32_t find(const nf::Program& program, const std::string& op, uint32_t lane = 0) {
  const auto& nano_ops = program.nano_ops();
  for (uint32_t i = 0; i < nano_ops.size(); ++i) {
    if (nano_ops[i].op->name == op && nano_ops[i].nano.lane == lane) return i;
  }
  throw nf::Error(NF_INVALID_ARGUMENT, "the plan has no " + op);
}

struct Times {
  explicit Times(const std::vector<uint32_t>& nano_ops, uint32_t capacity = 4096)
      : values(nano_ops.size(), std::vector<float>(capacity, -1.0f)) {
    for (size_t i = 0; i < nano_ops.size(); ++i) {
      items.push_back({nano_ops[i], capacity, values[i].data(), 0, 0});
    }
  }

  std::vector<std::vector<float>> values;
  std::vector<nf_measure_item> items;
};

// Writes the step and measures; checks that every item has its times, and nothing behind them.
Times measure(nf::Engine& engine, nf::Program& program, const std::vector<uint32_t>& nano_ops,
              nf::MeasureGoal goal, uint32_t capacity = 4096) {
  Times times(nano_ops, capacity);
  write_step(engine);
  engine.measure(0, program, kShape, times.items, goal);
  for (size_t i = 0; i < nano_ops.size(); ++i) {
    const uint32_t count = times.items[i].count;
    CHECK(count >= goal.minimum_count && count <= capacity);
    const auto end = times.values[i].begin() + count;
    CHECK(std::all_of(times.values[i].begin(), end, [](float us) { return us >= 0; }));
    CHECK(std::accumulate(times.values[i].begin(), end, 0.0) > 0);
    CHECK(std::all_of(end, times.values[i].end(), [](float us) { return us == -1; }));
  }
  return times;
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const nf::Error& error) {
    return error.status() == NF_INVALID_ARGUMENT ? error.what() : "wrong status";
  }
  return "accepted";
}

bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

const test::TinyOptions kModels[] = {
    {.threads = 2, .layers = 3},
    {.device = NF_DEVICE_REFERENCE, .layers = 2},
    {.threads = 2, .layers = 2, .architecture = "Gemma2ForCausalLM", .windows = {20, 0}},
    {.threads = 2,
     .layers = 2,
     .architecture = "Qwen3MoeForCausalLM",
     .experts = 7,
     .experts_per_token = 3},
    {.device = NF_DEVICE_REFERENCE,
     .layers = 2,
     .architecture = "MixtralForCausalLM",
     .experts = 5,
     .experts_per_token = 2}};

}  // namespace

TEST("every nano-op of a plan can be measured, whatever is left in the arena") {
  for (const test::TinyOptions& options : kModels) {
    test::TinyModel model(options);
    nf::Engine& engine = model.engine();
    // As indices of experts these bytes would lead far out of the weights.
    std::memset(engine.memory().arena, 0xff, engine.memory().layout.total_bytes);
    for (uint32_t i = 0; i < model.sequential().nano_ops().size(); ++i) {
      measure(engine, model.sequential(), {i}, {0, 3});
    }
  }
}

TEST("nano-ops on two lanes are measured together") {
  for (const test::TinyOptions& options : kModels) {
    test::TinyModel model(options);
    nf::Program& program = model.add_program(halves(model.engine().graph()));
    const bool dense = options.experts == 0;
    const uint32_t first = find(program, dense ? "gate_up" : "experts_gate_up", 0);
    for (const char* op : {"prefill_attention", "input_norm", "lm_head", "sample"}) {
      measure(model.engine(), program, {first, find(program, op, 1)}, {100, 5});
    }
  }
}

TEST("a measurement lasts as long as was asked for") {
  test::TinyModel model({.threads = 1, .layers = 2});
  const uint32_t norm = find(model.sequential(), "input_norm");
  const Times times = measure(model.engine(), model.sequential(), {norm}, {500, 1}, 1u << 16);
  const auto& values = times.values[0];
  const double sum = std::accumulate(values.begin(), values.begin() + times.items[0].count, 0.0);
  CHECK(sum >= 499.0);  // what is lost in rounding to microseconds is far less
}

TEST("what has no room is run and not written") {
  test::TinyModel model({.threads = 2, .layers = 2});
  nf::Program& program = model.add_program(halves(model.engine().graph()));
  const std::vector<uint32_t> both = {find(program, "qkv", 0), find(program, "down", 1)};
  const Times times = measure(model.engine(), program, both, {2000, 2}, 2);
  CHECK_EQ(times.items[0].count, 2u);
  CHECK_EQ(times.items[1].count, 2u);
}

TEST("a step after a measurement gives the tokens of one before it") {
  for (const test::TinyOptions& options : kModels) {
    test::TinyModel model(options);
    nf::Program& program = model.add_program(halves(model.engine().graph()));
    const auto run = [&](uint64_t seed) {
      test::Conversation& one = model.converse(30, seed);
      test::Conversation& two = model.converse(20, seed + 1);
      return model.step(program, {{&one, 30}, {&two, 20}}, 0);
    };
    for (uint32_t slot = 0; slot < 2; ++slot) model.converse(80, slot);  // of the measured step
    const auto before = run(7);
    for (uint32_t i = 0; i < program.nano_ops().size(); ++i) {
      const bool idle = i == find(program, "decode_attention", 1);
      if (!idle) measure(model.engine(), program, {i}, {0, 2});
    }
    const auto after = run(7);
    CHECK(before == after);
  }
}

TEST("measurements that make no sense are refused with the field") {
  test::TinyModel model({.threads = 2, .layers = 2});
  nf::Engine& engine = model.engine();
  nf::Program& program = model.add_program(halves(engine.graph()));
  const uint32_t qkv = find(program, "qkv");
  const auto refused = [&](const std::vector<uint32_t>& nano_ops, nf::MeasureGoal goal,
                           auto change) {
    Times times(nano_ops, 8);
    write_step(engine);
    change(times);
    return refusal([&] { engine.measure(0, program, kShape, times.items, goal); });
  };
  const auto as_is = [](Times&) {};
  CHECK_EQ(refused({qkv}, {0, 1}, as_is), std::string("accepted"));
  CHECK(says(refused({}, {0, 1}, as_is), "num_items = 0, allowed 1..2"));
  CHECK(says(refused({9999}, {0, 1}, as_is), "items[0].nano_op = 9999, allowed 0.."));
  CHECK(says(refused({qkv}, {60'000'001, 1}, as_is), "minimum_us = 60000001, allowed 0..60000000"));
  CHECK(says(refused({qkv}, {0, 0}, as_is), "minimum_count = 0, allowed 1..65536"));
  CHECK(says(refused({qkv}, {0, 9}, as_is), "items[0].capacity = 8, allowed 9..65536"));
  CHECK(says(refused({qkv}, {0, 1}, [](Times& times) { times.items[0].times_us = nullptr; }),
             "items[0].times_us is NULL"));
  CHECK(says(refused({qkv, find(program, "down")}, {0, 1}, as_is),
             "(down) is on lane 0, as an item before it"));
  // Its half of the rows are all of the prompt.
  CHECK(says(refused({find(program, "decode_attention", 1)}, {0, 1}, as_is),
             "(decode_attention) has no rows in this step"));
  CHECK(says(refused({qkv}, {0, 1},
                     [&](Times&) {
                       nf_step_buffers step{};
                       engine.map(0, step);
                       step.sampling[0].num_logprobs = 99;
                     }),
             "num_logprobs"));
  CHECK(says(refused({qkv}, {0, 1},
                     [&](Times&) {
                       nf_step_buffers step{};
                       engine.map(0, step);
                       step.pages[0] = ~0u;
                     }),
             "page index"));
}

TEST("nothing is measured while a step is in flight") {
  test::TinyModel model({.threads = 1, .layers = 1});
  nf::Engine& engine = model.engine();
  write_step(engine);
  engine.submit(0, model.sequential(), kShape);
  Times times({0});
  CHECK(says(refusal([&] {
               engine.measure(1, model.sequential(), kShape, times.items, {0, 1});
             }),
             "not waited for"));
}
