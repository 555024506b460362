// Law 4: a plan cannot change the answer, only the time. Random valid plans run the same steps as
// the sequential plan, with random delays on every lane, and must give the same logits bit by bit.

#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>

#include "check.h"
#include "core/program_check.h"
#include "plan_scene.h"
#include "random_plan.h"
#include "tiny_model.h"

namespace {

// Slows nano-ops down at random and records which of them were in flight together.
class DelayingObserver final : public nf::ExecutionObserver {
 public:
  explicit DelayingObserver(uint64_t seed) : random_(seed) {}

  void before_launch(const nf::LaunchPoint& point) override {
    const uint32_t lane = point.lane_index;
    const uint32_t tick = point.tick;
    uint32_t delay_us;
    {
      const std::lock_guard lock(mutex_);
      for (uint32_t other = 0; other < NF_MAX_LANES; ++other) {
        if (other == lane || !running_[other]) continue;
        together_ = true;
        across_layers_ = across_layers_ || tick_[other] != tick;
      }
      running_[lane] = true;
      tick_[lane] = tick;
      delay_us = random_() % 4 == 0 ? static_cast<uint32_t>(random_() % 120) : 0;
    }
    // Not sleep_for, which may round to the milliseconds of a system's timer, up or down to none.
    const int64_t end = nf::now_ns() + int64_t{delay_us} * 1000;
    while (nf::now_ns() < end) std::this_thread::yield();
  }

  void after_launch(const nf::LaunchPoint& point) override {
    const uint32_t lane = point.lane_index;
    const std::lock_guard lock(mutex_);
    running_[lane] = false;
  }

  bool together() const { return together_; }
  bool across_layers() const { return across_layers_; }

 private:
  std::mutex mutex_;
  std::mt19937_64 random_;
  bool running_[NF_MAX_LANES] = {};
  uint32_t tick_[NF_MAX_LANES] = {};
  bool together_ = false;
  bool across_layers_ = false;
};

struct Shares {
  int plans = 0;
  int together = 0;
  int across_layers = 0;
};

void fuzz(const test::TinyOptions& options, uint64_t seed, int plans, Shares& shares) {
  test::PlanScene scene(options, seed);
  const auto expected = scene.run(scene.model.sequential());
  const std::vector<int32_t> tokens = scene.model.sampled();
  std::mt19937_64 random(seed);
  for (int i = 0; i < plans; ++i) {
    const uint32_t step_rows =
        random() % 2 == 0 ? scene.num_rows : 1 + static_cast<uint32_t>(random() % 1000);
    nf::Program& program = scene.model.add_program(test::random_plan(
        scene.model.engine().graph(), scene.model.engine().device(), step_rows, random));
    CHECK_EQ(nf::check_program(program, scene.num_rows, 9), std::string());
    DelayingObserver observer(random());
    scene.model.engine().observe(&observer);
    const auto logits = scene.run(program);
    scene.model.engine().observe(nullptr);
    CHECK(test::same_bits(expected, logits));
    CHECK(tokens == scene.model.sampled());
    ++shares.plans;
    shares.together += observer.together();
    shares.across_layers += observer.across_layers();
    scene.model.engine().destroy_program(&program);
  }
}

}  // namespace

TEST("any valid plan gives the sequential plan's logits bit by bit") {
  const int plans = test::scale(520, 5200);
  Shares shares;
  const test::TinyOptions shapes[] = {
      {.layers = 4},
      {.layers = 1, .tied = true},
      {.layers = 2, .bias = true},
      {.layers = 7, .kv_heads = 1, .head_dim = 24, .page_tokens = 32},
      {.layers = 5, .architecture = "Qwen3ForCausalLM"},
      {.layers = 3, .architecture = "Phi3ForCausalLM", .windows = {50, 50, 50}},
      {.layers = 4,
       .tied = true,
       .architecture = "Gemma2ForCausalLM",
       .windows = {20, 0, 20, 0},
       .attention_softcap = 2,
       .logit_softcap = 5,
       .embedding_scale = 8},
      {.layers = 4, .architecture = "MixtralForCausalLM", .experts = 5, .experts_per_token = 2},
      {.layers = 3, .architecture = "Qwen3MoeForCausalLM", .experts = 24, .experts_per_token = 5},
      {.layers = 6, .architecture = "Qwen2ForCausalLM", .windows = {0, 7, 40, 65, 1, 128}},
      {.layers = 4, .tied = true, .int8 = NF_MODEL_INT8_LAYERS | NF_MODEL_INT8_HEAD},
      {.layers = 3, .bias = true, .int8 = NF_MODEL_INT8_LAYERS, .intermediate = 96}};
  uint64_t seed = test::seed();
  for (const test::TinyOptions& shape : shapes) {
    fuzz(shape, seed++, plans / static_cast<int>(std::size(shapes)), shares);
  }
  std::printf("  %d plans: %d%% ran nano-ops together, %d%% across layers\n", shares.plans,
              100 * shares.together / shares.plans, 100 * shares.across_layers / shares.plans);
  CHECK(shares.together * 2 >= shares.plans);
  CHECK(shares.across_layers * 4 >= shares.plans);
}

TEST("the reference backend gives its sequential logits under any plan") {
  Shares shares;
  fuzz({.device = NF_DEVICE_REFERENCE, .layers = 3}, test::seed(), test::scale(20, 200), shares);
  fuzz({.device = NF_DEVICE_REFERENCE,
        .layers = 3,
        .int8 = NF_MODEL_INT8_LAYERS | NF_MODEL_INT8_HEAD},
       test::seed(), test::scale(20, 200), shares);
  fuzz({.device = NF_DEVICE_REFERENCE,
        .layers = 3,
        .architecture = "MixtralForCausalLM",
        .experts = 6,
        .experts_per_token = 2},
       test::seed(), test::scale(20, 200), shares);
}
