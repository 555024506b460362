// Traces: what was recorded is what the plan says, in an order that its dependencies allow.

#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "core/bind.h"
#include "core/check.h"
#include "core/dependency.h"
#include "random_plan.h"
#include "tiny_model.h"

namespace {

constexpr uint32_t kManySpans = 1u << 14;

std::vector<nf_span> read_all(nf::Engine& engine, uint64_t expected_drops = 0) {
  std::vector<nf_span> spans(kManySpans);
  uint64_t dropped = ~0ull;
  spans.resize(engine.read_trace(spans, dropped));
  CHECK_EQ(dropped, expected_drops);
  return spans;
}

// A step of a decode row and a prompt of 20 rows.
class Scene {
 public:
  explicit Scene(const test::TinyOptions& options) : model_(options) {
    decode_ = &model_.converse(9, 1);
    prompt_ = &model_.converse(20, 2);
    model_.step(model_.sequential(), {{decode_, 8}}, 0);
  }

  void run(nf::Program& program) {
    decode_->position = 8;
    prompt_->position = 0;
    model_.step(program, {{decode_, 1}, {prompt_, 20}}, 1);
  }

  // Of the last step, with the sequences of which its batch is made.
  static nf::Batch batch() {
    nf::Batch batch;
    batch.num_rows = 21;
    batch.num_decode_rows = 1;
    batch.num_sequences = batch.num_samples = 2;
    return batch;
  }

  test::TinyModel& model() { return model_; }
  nf::Engine& engine() { return model_.engine(); }

 private:
  test::TinyModel model_;
  test::Conversation* decode_;
  test::Conversation* prompt_;
};

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

using Instances = std::map<std::pair<uint32_t, uint32_t>, nf_span>;  // by tick and nano-op

// Each nano-op with rows once in each tick of its segment, and no other.
Instances check_complete(nf::Program& program, const std::vector<nf_span>& spans) {
  Instances instances;
  for (const nf_span& span : spans) {
    CHECK(instances.emplace(std::pair{span.tick, uint32_t{span.nano_op}}, span).second);
    CHECK_EQ(program.nano_ops()[span.nano_op].nano.lane, span.lane);
  }
  size_t expected = 0;
  const uint32_t layers = program.graph().dims.num_layers;
  for (uint32_t tick = 0; tick < layers + 2; ++tick) {
    const auto segment = tick == 0       ? NF_SEGMENT_PROLOGUE
                         : tick > layers ? NF_SEGMENT_EPILOGUE
                                         : NF_SEGMENT_LAYER;
    for (uint32_t i = program.first(segment); i < program.last(segment); ++i) {
      if (nf::bound_rows(program, program.nano_ops()[i], Scene::batch()).empty()) continue;
      CHECK(instances.contains({tick, i}));
      ++expected;
    }
  }
  CHECK_EQ(instances.size(), expected);
  return instances;
}

void check_order(const nf::Program& program, const std::vector<nf_span>& spans,
                 const Instances& instances) {
  uint64_t lane_end[NF_MAX_LANES] = {};
  for (const nf_span& span : spans) {
    CHECK(lane_end[span.lane] <= span.arrived_ns);
    CHECK(span.arrived_ns <= span.begin_ns && span.begin_ns <= span.end_ns);
    lane_end[span.lane] = span.end_ns;
    for (const nf::Dependency& need :
         nf::dependencies_of(program.graph(), program.plan(), span.nano_op, span.tick == 1)) {
      const auto source = instances.find({span.tick - need.ticks_back, need.source});
      if (source != instances.end()) CHECK(source->second.end_ns <= span.begin_ns);
    }
  }
}

}  // namespace

TEST("a trace has every nano-op once a layer, in an order its dependencies allow") {
  std::mt19937_64 random(test::seed());
  for (const uint32_t device : test::devices()) {
    Scene scene({.device = device, .threads = 2, .layers = 4});
    scene.engine().start_trace(kManySpans);
    for (int plan = 0; plan < 20; ++plan) {
      nf::Program& program = scene.model().add_program(
          test::random_plan(scene.engine().graph(), scene.engine().device(), 21, random));
      scene.run(program);
      const std::vector<nf_span> spans = read_all(scene.engine());
      check_order(program, spans, check_complete(program, spans));
      scene.engine().destroy_program(&program);
    }
    scene.engine().stop_trace();
  }
}

TEST("spans that do not fit are counted, and room that was read is used again") {
  Scene scene({.threads = 1, .layers = 2});
  nf::Program& program = scene.model().sequential();
  scene.engine().start_trace(kManySpans);
  scene.run(program);
  const auto all = static_cast<uint32_t>(read_all(scene.engine()).size());
  scene.engine().stop_trace();

  scene.engine().start_trace(all + 3);
  scene.run(program);
  scene.run(program);
  uint64_t dropped = 0;
  std::vector<nf_span> spans(all);
  CHECK_EQ(scene.engine().read_trace(spans, dropped), all);  // the rest stays
  CHECK_EQ(dropped, all - 3u);
  CHECK_EQ(read_all(scene.engine(), all - 3).size(), 3u);
  CHECK_EQ(read_all(scene.engine(), all - 3).size(), 0u);
  scene.run(program);
  const std::vector<nf_span> again = read_all(scene.engine(), all - 3);
  CHECK_EQ(again.size(), all);
  CHECK(again.front().arrived_ns >= spans.back().end_ns);
  scene.engine().stop_trace();
}

TEST("a trace starts once, stops once, and leaves steps in flight alone") {
  Scene scene({.threads = 1, .layers = 1});
  nf::Engine& engine = scene.engine();
  uint64_t dropped = 0;
  CHECK(says(refusal([&] { engine.read_trace({}, dropped); }), "has not been started"));
  CHECK(says(refusal([&] { engine.stop_trace(); }), "has not been started"));
  CHECK(says(refusal([&] { engine.start_trace(0); }), "max_spans = 0, allowed 1..8388608"));
  CHECK(says(refusal([&] { engine.start_trace((1u << 23) + 1); }), "allowed 1..8388608"));
  engine.start_trace(10);
  CHECK(says(refusal([&] { engine.start_trace(10); }), "started already"));
  nf_step_buffers step{};
  engine.map(0, step);
  step.tokens[0] = 1;
  step.pages[0] = 0;
  step.sequences[0] = {0, 1, 0, 0, 1, 0, 0, 0};
  engine.submit(0, scene.model().sequential(), {1, 1, 1, 1});
  CHECK(says(refusal([&] { engine.stop_trace(); }), "not waited for"));
  CHECK(says(refusal([&] { engine.read_trace({}, dropped); }), "not waited for"));
  engine.release(0);
  nf_step_result result{};
  while (!engine.wait(0, 1'000'000, result)) {
  }
  engine.stop_trace();
  scene.run(scene.model().sequential());  // nobody looks on
  engine.start_trace(10);
  CHECK_EQ(read_all(engine).size(), 0u);
}
