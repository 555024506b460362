// Prefill attention by wgmma: against a double loop over the same operands, and bit by bit however
// the work is cut, spread over blocks and put together with other rows.
#include "attention_world.h"
#include "cuda/device.h"
#include "cuda/kernels/kernels.h"
#include "product_world.h"

using nf::DType;
using test::AttentionKernel;
using test::AttentionWorld;
using test::Bits;
using test::Chunk;
using test::pick;
using test::Random;
using test::WorldShape;

namespace {

const WorldShape kSmall{.head_dim = 64, .heads = 2, .kv_heads = 1, .page_tokens = 32};

AttentionKernel wgmma(DType operand = DType::kBF16) {
  if (!nf::cuda::open_device(0).is_hopper()) SKIP("wgmma is for sm_90a");
  return {"prefill_attention_wgmma",
          operand == DType::kF16 ? nf::cuda::prefill_attention_wgmma<DType::kF16>
                                 : nf::cuda::prefill_attention_wgmma<DType::kBF16>,
          nf::cuda::prefill_attention_wgmma_workspace};
}

WorldShape with(WorldShape shape, uint32_t window, float softcap = 0) {
  shape.window = window;
  shape.softcap = softcap;
  return shape;
}

std::vector<Chunk> whole(const AttentionWorld& world) {
  std::vector<Chunk> chunks;
  for (uint32_t s = 0; s < world.lengths.size(); ++s) chunks.push_back({s, 0, world.lengths[s]});
  return chunks;
}

void check(AttentionWorld& world, const std::vector<Chunk>& chunks) {
  world.check(rows_of(chunks), world.prefill(wgmma(world.shape.operand), chunks, 2));
}

}  // namespace

TEST("cuda: prefill by wgmma equals a double loop for every shape") {
  Random random(test::seed());
  const WorldShape shapes[] = {
      {.head_dim = 64, .heads = 6, .kv_heads = 2, .page_tokens = 32},
      {.head_dim = 128, .heads = 3, .kv_heads = 1, .page_tokens = 16},
      {.head_dim = 192, .heads = 2, .kv_heads = 2, .page_tokens = 64},
      {.head_dim = 256, .heads = 2, .kv_heads = 1, .page_tokens = 128},
  };
  for (WorldShape shape : shapes) {
    for (const DType operand : {DType::kBF16, DType::kF16}) {
      shape.operand = operand;
      AttentionWorld world(random, shape, {1, 17, 200, 64});
      check(world, whole(world));
      check(world, {{2, 130, 70}, {1, 16, 1}, {3, 60, 4}});
    }
  }
}

TEST("cuda: prefill by wgmma of contexts longer than the ring") {
  Random random(test::seed());
  AttentionWorld world(random, {.head_dim = 128, .heads = 2, .kv_heads = 1, .page_tokens = 32},
                       {700, 130});
  check(world, {{0, 400, 300}, {1, 1, 129}});
}

TEST("cuda: prefill by wgmma sees what its window shows") {
  Random random(test::seed());
  for (const uint32_t window : {1u, 2u, 15u, 63u, 64u, 65u, 128u, 129u, 300u, 1000u}) {
    AttentionWorld world(random, with(kSmall, window), {330, 64});
    check(world, whole(world));
  }
}

TEST("cuda: prefill by wgmma softens scores") {
  Random random(test::seed());
  for (const float cap : {0.75f, 30.0f}) {
    AttentionWorld world(random, with(kSmall, 70, cap), {150, 20});
    check(world, whole(world));
  }
}

TEST("cuda: a row of prefill by wgmma has the same bits for any cut, any grid and any company") {
  Random random(test::seed());
  for (const uint32_t dim : {64u, 128u, 256u}) {
    for (const uint32_t window : {0u, 90u}) {
      const WorldShape shape{.head_dim = dim, .heads = 2, .kv_heads = 1, .page_tokens = 16};
      AttentionWorld world(random, with(shape, window), {300, 5, 140});
      const Bits all = world.prefill(wgmma(), whole(world));
      const auto rows = uint32_t(all.size() / world.shape.width());
      for (const uint32_t units : {3u, 64u}) {
        const auto cuts = test::random_cuts(random, rows, pick(random, 1, 6));
        CHECK(world.prefill(wgmma(), whole(world), units) == all);
        CHECK(world.prefill(wgmma(), whole(world), units, cuts) == all);
      }
      // A prompt in chunks of several steps.
      Bits chunked;
      for (uint32_t done = 0; done < 300;) {
        const uint32_t count = std::min(300 - done, pick(random, 1, 200));
        const Bits part = world.prefill(wgmma(), {{2, 7, 1}, {0, done, count}});
        chunked.insert(chunked.end(), part.begin() + world.shape.width(), part.end());
        done += count;
      }
      CHECK(std::equal(chunked.begin(), chunked.end(), all.begin()));
    }
  }
}

TEST("cuda: prefill by wgmma minds nothing that stands where no token is, be it NaN") {
  Random random(test::seed());
  for (const uint32_t dim : {64u, 128u, 256u}) {
    for (const uint32_t last : {64u, 100u, 127u}) {
      const WorldShape shape{.head_dim = dim, .heads = 2, .kv_heads = 1, .page_tokens = 64};
      AttentionWorld world(random, shape, {150});
      world.spoil_outside(0, 0, last + 1);
      check(world, {{0, last, 1}});
      check(world, {{0, 20, last - 19}});
    }
  }
}

TEST("cuda: prefill by wgmma stays finite when scores are far apart") {
  Random random(test::seed());
  AttentionWorld world(random, kSmall, {300});
  world.scale_queries(64.0f);
  check(world, {{0, 140, 160}});
}

TEST("cuda: wgmma serves heads that are whole boxes of queries") {
  nf::OpShape shape;
  shape.num_heads = 4;
  shape.num_kv_heads = 2;
  for (const uint32_t dim : {64u, 128u, 192u, 256u}) {
    shape.head_dim = dim;
    CHECK(nf::cuda::prefill_attention_wgmma_supports(shape));
  }
  for (const uint32_t dim : {32u, 80u, 96u, 320u}) {
    shape.head_dim = dim;
    CHECK(!nf::cuda::prefill_attention_wgmma_supports(shape));
  }
}
