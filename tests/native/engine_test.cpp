// The engine behind the C ABI: what it refuses, how it ends with steps in flight, and that engines
// do not know of each other.

#include <atomic>
#include <cmath>
#include <functional>
#include <thread>

#include "check.h"
#include "core/check.h"
#include "tiny_model.h"

namespace {

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

// An engine without weights, whose steps have one row and one sample.
class Echo {
 public:
  Echo() : engine_(options(), spec()) {
    engine_.make_ready();
    program_ = &add_program();
  }

  nf::Engine& engine() { return engine_; }
  nf::Program& program() { return *program_; }
  nf::Program& add_program() {
    return engine_.create_program(test::view_of(nf::sequential_plan(engine_.graph(), 1)));
  }

  void submit(uint32_t slot, int32_t token) {
    nf_step_buffers step{};
    engine_.map(slot, step);
    step.tokens[0] = token;
    step.sequences[0] = {};
    step.sequences[0].row_count = 1;
    step.sequences[0].flags = NF_SEQUENCE_SAMPLE;
    engine_.submit(slot, *program_, {1, 1, 1, 0});
  }

  int32_t finish(uint32_t slot) {
    engine_.release(slot);
    nf_step_result result{};
    while (!engine_.wait(slot, 1'000'000, result)) {
    }
    return result.tokens[0];
  }

 private:
  static nf_engine_options options() {
    nf_engine_options options = test::tiny_engine_options({.threads = 1});
    options.num_pages = 0;
    return options;
  }
  static nf_model_spec spec() {
    nf_model_spec spec{};
    spec.struct_size = sizeof(spec);
    spec.architecture = "echo";
    spec.vocab = 50;
    return spec;
  }

  nf::Engine engine_;
  nf::Program* program_ = nullptr;
};

// Two sequences of the tiny model in one step: a decode at position 20 in pages 0 and 1, and a
// chunk of 30 rows from position 16 in pages 2, 3 and 4.
struct TwoSequences {
  explicit TwoSequences(nf::Engine& engine) {
    engine.map(0, step);
    const uint32_t pages[] = {0, 1, 2, 3, 4};
    std::copy(std::begin(pages), std::end(pages), step.pages);
    std::fill_n(step.tokens, shape.num_rows, 1);
    step.sequences[0] = {0, 1, 20, 0, 2, 0, 0, 0};
    step.sequences[1] = {1, 30, 16, 2, 3, 0, 0, 0};
  }

  nf_step_buffers step{};
  nf_step_shape shape{2, 1, 31, 5};
};

}  // namespace

TEST("every op of a model with mixed formats has a kernel to choose") {
  test::TinyModel model(test::mixed_formats(NF_DEVICE_CPU));
  const nf::Engine& engine = model.engine();
  for (const auto& segment : engine.graph().segments) {
    for (const nf::Op& op : segment) {
      CHECK_EQ(nf::count_kernels(engine.backend().kernels(), op, engine.memory()), 1u);
    }
  }
}

TEST("an engine is destroyed with steps in flight in any order of its slots") {
  Echo echo;
  echo.submit(0, 1);
  echo.submit(1, 2);
  CHECK_EQ(echo.finish(0), 2);
  echo.submit(0, 3);  // slot 0 now runs after slot 1, and neither is released
}

TEST("a step that was never released is not sampled with what its slot held") {
  test::TinyModel model({.threads = 1, .layers = 1});
  TwoSequences two(model.engine());
  two.step.sequences[0].flags = NF_SEQUENCE_SAMPLE;
  two.step.sampling[0].bias_begin = ~0u;
  two.step.sampling[0].bias_count = ~0u;
  model.engine().submit(0, model.sequential(), two.shape);
  CHECK(says(refusal([&] { model.engine().release(0); }), "bias range"));
}

TEST("submit refuses a program of another engine and one that was destroyed") {
  Echo echo;
  Echo other;
  nf::Program& gone = echo.add_program();
  echo.engine().destroy_program(&gone);
  echo.submit(0, 7);
  CHECK_EQ(echo.finish(0), 8);
  for (nf::Program* program : {&other.program(), &gone}) {
    CHECK(says(refusal([&] {
                 echo.engine().submit(0, *program, {1, 1, 1, 0});
               }),
               "not of this engine"));
  }
}

TEST("a program that is destroyed under a step in flight lives on") {
  Echo echo;
  echo.submit(0, 7);
  echo.engine().destroy_program(&echo.program());
  CHECK_EQ(echo.finish(0), 8);
}

TEST("submit refuses sequences that would write to the same place") {
  test::TinyModel model({.threads = 1, .layers = 1});
  const auto broken = [&](auto change) {
    TwoSequences two(model.engine());
    change(two.step);
    return refusal([&] {
      model.engine().submit(0, model.sequential(), two.shape);
      model.engine().release(0);
      nf_step_result result{};
      while (!model.engine().wait(0, 1'000'000, result)) {
      }
    });
  };
  CHECK_EQ(broken([](nf_step_buffers&) {}), std::string("accepted"));
  // A whole page before the first row of both is only read.
  CHECK_EQ(broken([](nf_step_buffers& step) { step.pages[2] = 0; }), std::string("accepted"));
  CHECK(says(broken([](nf_step_buffers& step) { step.sequences[1].slot = 0; }),
             "has its slot (sequence 1)"));
  CHECK(
      says(broken([](nf_step_buffers& step) { step.sequences[1].flags |= NF_SEQUENCE_LONG_ROPE; }),
           "have no long rope (sequence 1)"));
  const char* shared = "in which this step writes for another";
  CHECK(says(broken([](nf_step_buffers& step) { step.pages[4] = 1; }), shared));
  CHECK(says(broken([](nf_step_buffers& step) { step.pages[2] = 1; }), shared));
  CHECK(says(broken([](nf_step_buffers& step) { step.pages[0] = 3; }), shared));
  CHECK(says(broken([](nf_step_buffers& step) { step.pages[4] = 3; }), shared));
  CHECK_EQ(broken([](nf_step_buffers&) {}), std::string("accepted"));
}

TEST("sizes whose products leave 64 bits are refused before memory is taken") {
  nf_engine_options options = test::tiny_engine_options({.device = NF_DEVICE_REFERENCE});
  nf_model_spec spec = test::tiny_spec({.layers = 1024});
  spec.hidden = 2;
  spec.num_heads = spec.num_kv_heads = 4096;
  spec.head_dim = 256;
  options.page_tokens = 128;
  options.num_pages = 1u << 28;
  CHECK(says(refusal([&] { nf::Engine engine(options, spec); }), "num_pages = 268435456"));
  options.num_pages = (1u << 28) + 1;
  CHECK(says(refusal([&] { nf::Engine engine(options, spec); }), "allowed 0..268435456"));
  options = test::tiny_engine_options({});
  options.max_sequences = 1u << 14;
  options.max_positions = 1u << 22;
  CHECK(says(refusal([&] { nf::Engine::plan_memory(options, test::tiny_spec({})); }),
             "max_positions / page_tokens = 4294967296"));
}

TEST("two engines run steps at the same time") {
  test::TinyModel first({.threads = 2}, 1);
  test::TinyModel second({.threads = 2}, 2);
  const auto alone = [](uint64_t seed) {
    test::TinyModel model({.threads = 2}, seed);
    return model.step(model.sequential(), {{&model.converse(40, seed), 40}}, 0)[0];
  };
  const std::vector<float> expected[] = {alone(1), alone(2)};
  std::vector<float> actual[2];
  {
    const std::jthread other([&] {
      actual[1] = second.step(second.sequential(), {{&second.converse(40, 2), 40}}, 0)[0];
    });
    actual[0] = first.step(first.sequential(), {{&first.converse(40, 1), 40}}, 0)[0];
  }
  CHECK(actual[0] == expected[0]);
  CHECK(actual[1] == expected[1]);
  CHECK(actual[0] != actual[1]);
}

namespace {

// From the first launch to the end of the last one before sampling.
class ForwardTime final : public nf::ExecutionObserver {
 public:
  explicit ForwardTime(const nf::Program& program) : program_(program) {}
  void before_launch(const nf::LaunchPoint&) override {
    if (begin_ns_ == 0) begin_ns_ = nf::now_ns();
  }
  void after_launch(const nf::LaunchPoint& point) override {
    const uint32_t nano_op = point.nano_op;
    if (!program_.nano_ops()[nano_op].op->gated) end_ns_ = nf::now_ns();
  }
  int64_t us() const { return (end_ns_ - begin_ns_) / 1000; }

 private:
  const nf::Program& program_;
  std::atomic<int64_t> begin_ns_{0};
  std::atomic<int64_t> end_ns_{0};
};

}  // namespace

TEST("the time of a step leaves out the wait for its release once, however many lanes wait") {
  test::TinyModel model({.threads = 2, .layers = 2});
  nf::Plan plan = nf::sequential_plan(model.engine().graph(), 2);
  plan.step_rows = 2;
  plan.lanes.push_back({0, 0});
  for (nf_nano_op& nano : plan.nano_ops) nano.row_end = 2;
  plan.nano_ops.push_back(plan.nano_ops.back());  // sampling, one sample on each lane
  (plan.nano_ops.end() - 2)->row_end = 1;
  plan.nano_ops.back().row_begin = 1;
  plan.nano_ops.back().lane = 1;
  nf::Program& program = model.add_program(plan);
  ForwardTime forward(program);
  model.engine().observe(&forward);
  TwoSequences two(model.engine());
  two.step.sequences[0].flags = two.step.sequences[1].flags = NF_SEQUENCE_SAMPLE;
  std::fill_n(two.step.sampling, 2, nf_sampling{0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  model.engine().submit(0, program, two.shape);
  nf_step_result result{};
  CHECK(!model.engine().wait(0, 20'000, result));  // both lanes come to the gate meanwhile
  model.engine().release(0);
  while (!model.engine().wait(0, 1'000'000, result)) {
  }
  model.engine().observe(nullptr);
  CHECK(forward.us() > 0);
  CHECK(result.device_us >= forward.us());
}

TEST("a device is described in as many bytes as the caller knows") {
  const test::TinyOptions tiny{.device = NF_DEVICE_CPU, .threads = 4};
  const nf_engine_options options = test::tiny_engine_options(tiny);
  const nf_model_spec spec = test::tiny_spec(tiny);
  nf_engine* engine = nullptr;
  REQUIRE(nf_engine_create(&options, &spec, &engine) == NF_OK);
  nf_device_info info{};
  CHECK_EQ(nf_device_describe(engine, &info), NF_INVALID_ARGUMENT);
  CHECK(says(nf_last_error(), "struct_size is not set"));
  info.struct_size = 12;  // up to num_units
  CHECK_EQ(nf_device_describe(engine, &info), NF_OK);
  CHECK_EQ(info.num_units, 4u);
  CHECK_EQ(info.struct_size, 12u);
  CHECK_EQ(std::string(info.name), "");
  nf_engine_destroy(engine);
}

TEST("a model spec is refused before memory is taken") {
  nf_model_spec spec = test::tiny_spec({});
  const auto refused = [&](auto change) {
    nf_model_spec copy = spec;
    change(copy);
    nf_memory memory{};
    const nf_engine_options options = test::tiny_engine_options({});
    return nf_memory_plan(&options, &copy, &memory) == NF_OK ? "accepted" : nf_last_error();
  };
  CHECK(says(refused([](nf_model_spec&) {}), "accepted"));
  CHECK(says(refused([](nf_model_spec& s) { s.flags = 64; }), "flags 64"));
  CHECK(says(refused([](nf_model_spec& s) { s.rope_theta = 0; }), "rope_theta"));
  CHECK(says(refused([](nf_model_spec& s) { s.rope_scaling = 4; }), "rope_scaling"));
  CHECK(says(refused([](nf_model_spec& s) { s.rms_norm_eps = 2; }), "rms_norm_eps = 2"));
  CHECK(says(refused([](nf_model_spec& s) { s.num_experts = 8; }), "has no experts"));
  CHECK(
      says(refused([](nf_model_spec& s) { s.attention_softcap = -1; }), "attention_softcap = -1"));
  CHECK(says(refused([](nf_model_spec& s) { s.logit_softcap = NAN; }), "logit_softcap = "));
  CHECK(says(refused([](nf_model_spec& s) { s.query_scale = INFINITY; }), "query_scale = inf"));
  CHECK(says(refused([](nf_model_spec& s) { s.embedding_scale = -2; }), "embedding_scale = -2"));
}

TEST("int8 weights are planned where there are kernels for them, and refused elsewhere") {
  constexpr uint32_t kBoth = NF_MODEL_INT8_LAYERS | NF_MODEL_INT8_HEAD;
  const nf_engine_options options = test::tiny_engine_options({});
  nf_memory memory{};
  const auto refused = [&](const test::TinyOptions& tiny) {
    const nf_model_spec spec = test::tiny_spec(tiny);
    return nf_memory_plan(&options, &spec, &memory) == NF_OK ? "accepted" : nf_last_error();
  };
  CHECK(says(refused({}), "accepted"));
  const nf_memory plain = memory;
  if (options.device_kind == NF_DEVICE_CUDA) {
    CHECK(says(refused({.int8 = NF_MODEL_INT8_LAYERS}), "int8 weights run on the CPU"));
    CHECK(says(refused({.int8 = NF_MODEL_INT8_HEAD}), "int8 weights run on the CPU"));
    return;
  }
  CHECK(says(refused({.int8 = kBoth}), "accepted"));
  CHECK(memory.weights < plain.weights * 2 / 3);
  CHECK(says(refused({.int8 = kBoth,
                      .architecture = "MixtralForCausalLM",
                      .experts = 4,
                      .experts_per_token = 2}),
             "no int8 kernels for models with experts"));
  CHECK(says(refused({.int8 = kBoth, .intermediate = 65536 + 32}), "no kernel for down with 64 x"));
  test::TinyOptions blocks = test::mixed_formats(NF_DEVICE_CPU);
  blocks.int8 = NF_MODEL_INT8_HEAD;
  CHECK(says(refused(blocks), "weights in block formats stay in them"));
}

TEST("a spec with experts is refused before memory is taken, and its memory is planned") {
  const test::TinyOptions tiny{.device = NF_DEVICE_CPU,
                               .architecture = "MixtralForCausalLM",
                               .experts = 8,
                               .experts_per_token = 2};
  const nf_model_spec spec = test::tiny_spec(tiny);
  const nf_engine_options options = test::tiny_engine_options(tiny);
  nf_memory memory{};
  const auto refused = [&](auto change) {
    nf_model_spec copy = spec;
    change(copy);
    return nf_memory_plan(&options, &copy, &memory) == NF_OK ? "accepted" : nf_last_error();
  };
  CHECK(says(refused([](nf_model_spec&) {}), "accepted"));
  const nf_memory small = memory;
  CHECK(says(refused([](nf_model_spec& s) { s.num_experts = 16; }), "accepted"));
  // Of every expert [96, 64] and [64, 48] elements of 16 bits; the router has one panel either way.
  CHECK_EQ(memory.weights - small.weights, uint64_t{8 * 4 * 2 * (96 * 64 + 64 * 48)});
  CHECK(says(refused([](nf_model_spec& s) { s.experts_per_token = 3; }), "accepted"));
  CHECK(memory.arena > small.arena);
  CHECK(says(refused([](nf_model_spec& s) { s.num_experts = 0; }), "num_experts = 0, allowed 1.."));
  CHECK(says(refused([](nf_model_spec& s) { s.num_experts = 513; }), "allowed 1..512"));
  CHECK(says(refused([](nf_model_spec& s) { s.experts_per_token = 0; }), "allowed 1..8"));
  CHECK(says(refused([](nf_model_spec& s) { s.experts_per_token = 9; }), "allowed 1..8"));
  CHECK(says(refused([](nf_model_spec& s) { s.num_experts = s.experts_per_token = 40; }),
             "allowed 1..32"));
  CHECK(says(refused([](nf_model_spec& s) { s.expert_intermediate = 49; }), "an even number"));
  CHECK(says(refused([](nf_model_spec& s) { s.expert_intermediate = 0; }), "expert_intermediate"));
  const nf_tensor_format format{"model.layers.0.block_sparse_moe.experts.7.w1.weight",
                                NF_DTYPE_Q8_0, 0};
  CHECK(says(refused([&](nf_model_spec& s) {
               s.formats = &format;
               s.num_formats = 1;
             }),
             "experts.7.w1.weight is a matrix of an expert"));
  // The largest of everything: over 2^61 bytes, counted without overflow.
  CHECK(says(refused([](nf_model_spec& s) {
               s.num_layers = 1024;
               s.num_experts = 512;
               s.hidden = s.expert_intermediate = 1u << 20;
             }),
             "accepted"));
  CHECK(memory.weights > uint64_t{3} << 60 && memory.weights < uint64_t{4} << 60);
}

TEST("factors of the rope that give no angles are refused, and its tables are counted") {
  test::TinyOptions tiny;
  tiny.short_factors.assign(tiny.head_dim / 2, 1.0f);
  tiny.long_factors.assign(tiny.head_dim / 2, 2.0f);
  nf_model_spec spec = test::tiny_spec(tiny);
  nf_engine_options options = test::tiny_engine_options(tiny);
  nf_memory memory{};
  const auto plan = [&] {
    return nf_memory_plan(&options, &spec, &memory) == NF_OK ? "accepted" : nf_last_error();
  };
  CHECK(says(plan(), "accepted"));
  const uint64_t both = memory.steps;
  spec.rope_long_factors = nullptr;
  CHECK(says(plan(), "accepted"));
  const uint64_t table = uint64_t{options.max_positions} * spec.head_dim * sizeof(float);
  CHECK_EQ(both - memory.steps, table);
  spec.rope_short_factors = nullptr;
  CHECK(says(plan(), "rope_short_factors is NULL"));
  tiny.short_factors[3] = 0;
  spec.rope_short_factors = tiny.short_factors.data();
  CHECK(says(plan(), "rope_short_factors[3] must be positive"));
  tiny.short_factors[3] = 1;
  tiny.long_factors[1] = NAN;
  spec.rope_long_factors = tiny.long_factors.data();
  CHECK(says(plan(), "rope_long_factors[1]"));
  tiny.long_factors[1] = 1;
  spec.rope_attention_factor = -1;
  CHECK(says(plan(), "rope_attention_factor"));
  spec.rope_attention_factor = 0;
  spec.rope_original_positions = 0;
  CHECK(says(plan(), "rope_original_positions is 0"));
}
