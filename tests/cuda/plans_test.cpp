// Plans on a CUDA device: lanes on streams, hard splits on SMs of their own, waits as events. In
// the emulation streams advance in random order, so that a missing wait shows.
#include "check.h"
#include "core/program_check.h"
#include "plan_scene.h"
#include "random_plan.h"

namespace {

void fuzz(const test::TinyOptions& options, uint64_t seed, int plans) {
  test::PlanScene scene(options, seed);
  const auto expected = scene.run(scene.model.sequential());
  const std::vector<int32_t> tokens = scene.model.sampled();
  std::mt19937_64 random(seed);
  const nf::Engine& engine = scene.model.engine();
  for (int i = 0; i < plans; ++i) {
    nf::Program& program = scene.model.add_program(
        test::random_plan(engine.graph(), engine.device(), scene.num_rows, random));
    CHECK_EQ(nf::check_program(program, scene.num_rows, 9), std::string());
    CHECK(test::same_bits(expected, scene.run(program)));
    CHECK(tokens == scene.model.sampled());
    scene.model.engine().destroy_program(&program);
  }
}

}  // namespace

TEST("any valid plan gives the sequential plan's logits bit by bit on CUDA") {
  const test::TinyOptions shapes[] = {
      {.layers = 4},
      {.layers = 3, .bias = true},
      {.layers = 5, .kv_heads = 1, .head_dim = 24, .page_tokens = 32},
      {.layers = 4,
       .tied = true,
       .architecture = "Gemma2ForCausalLM",
       .windows = {20, 0, 20, 0},
       .attention_softcap = 2,
       .logit_softcap = 5,
       .embedding_scale = 8},
      {.layers = 3, .architecture = "MixtralForCausalLM", .experts = 5, .experts_per_token = 2}};
  uint64_t seed = test::seed();
  for (const test::TinyOptions& shape : shapes) fuzz(shape, seed++, test::scale(6, 200));
}

TEST("fp16 operands and any plan give one and the same answer") {
  fuzz({.layers = 3, .operand_dtype = NF_DTYPE_F16}, test::seed(), test::scale(4, 100));
}
