// Prefill attention by wgmma waits for all that it reads: whatever order threads run in, and
// whenever copies arrive, results have the same bits.
#include "attention_world.h"
#include "cuda/kernels/kernels.h"
#include "emulation/block.h"

TEST("cuda: prefill by wgmma has the same bits in whatever order threads run and copies arrive") {
  test::Random random(test::seed());
  for (const uint32_t dim : {128u, 256u}) {
    const test::WorldShape shape{.head_dim = dim, .heads = 2, .kv_heads = 1, .page_tokens = 16};
    test::AttentionWorld world(random, shape, {270, 40});
    const test::AttentionKernel kernel{"prefill_attention_wgmma",
                                       nf::cuda::prefill_attention_wgmma<nf::DType::kBF16>,
                                       nf::cuda::prefill_attention_wgmma_workspace};
    const std::vector<test::Chunk> chunks{{0, 0, 270}, {1, 0, 40}};
    const test::Bits expected = world.prefill(kernel, chunks, 2);
    for (const auto order : {emulation::Order::kBackward, emulation::Order::kShuffled}) {
      emulation::set_schedule(order, random());
      CHECK(world.prefill(kernel, chunks, 2) == expected);
    }
    emulation::set_schedule(emulation::Order::kForward);
  }
}
