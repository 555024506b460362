// Prefill attention by wgmma under other orders of threads and copies than the usual one.
#include "attention_world.h"
#include "cuda/kernels/kernels.h"
#include "emulation/block.h"

using test::AttentionWorld;
using test::Bits;
using test::Random;
using test::WorldShape;

TEST("cuda: prefill by wgmma has the same bits in whatever order threads run and copies arrive") {
  const test::AttentionKernel wgmma{"prefill_attention_wgmma",
                                    nf::cuda::prefill_attention_wgmma<nf::DType::kBF16>,
                                    nf::cuda::prefill_attention_wgmma_workspace};
  Random random(test::seed());
  for (const uint32_t dim : {128u, 256u}) {
    const WorldShape shape{.head_dim = dim, .heads = 2, .kv_heads = 1, .page_tokens = 16};
    AttentionWorld world(random, shape, {270, 40});
    const std::vector<test::Chunk> chunks{{0, 0, 270}, {1, 0, 40}};
    const Bits expected = world.prefill(wgmma, chunks, 2);
    for (const auto order : {emulation::Order::kBackward, emulation::Order::kShuffled}) {
      emulation::set_schedule(order, random());
      CHECK(world.prefill(wgmma, chunks, 2) == expected);
    }
    emulation::set_schedule(emulation::Order::kForward);
  }
}
