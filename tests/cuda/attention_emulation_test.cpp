// Attention kernels wait for all that they read: whatever order threads run in, and whenever copies
// arrive, results have the same bits.
#include "attention_world.h"
#include "emulation/block.h"

TEST("cuda: attention has the same bits in whatever order threads run and copies arrive") {
  test::Random random(test::seed());
  for (const uint32_t dim : {64u, 128u, 192u, 256u}) {
    const test::WorldShape shape{.head_dim = dim, .heads = 2, .kv_heads = 1, .page_tokens = 16};
    test::AttentionWorld world(random, shape, {270, 40});
    const std::vector<test::AttentionRow> rows{{0, 269}, {1, 39}};
    const std::vector<test::Chunk> chunks{{0, 0, 270}, {1, 0, 40}};
    const test::Bits decoded = world.decode(test::decode_kernels()[0], rows, {});
    const test::Bits prefilled = world.prefill(test::prefill_kernel(), chunks, 2);
    for (const auto order : {emulation::Order::kBackward, emulation::Order::kShuffled}) {
      const emulation::Schedule schedule(order, random());
      CHECK(world.prefill(test::prefill_kernel(), chunks, 2) == prefilled);
      for (const auto& kernel : test::decode_kernels()) {
        CHECK(world.decode(kernel, rows, {}) == decoded);
        CHECK(world.decode(kernel, rows, {.units = 2, .split = true}) == decoded);
      }
    }
  }
}
