// Attention kernels: against a double loop over the same operands, and bit by bit
// however the work is cut, spread over blocks and put together with other rows.
#include "attention_world.h"

using nf::DType;
using nf::RowRange;
using test::AttentionRow;
using test::AttentionWorld;
using test::Bits;
using test::Chunk;
using test::pick;
using test::Random;
using test::WorldShape;

namespace {

// What a kernel has its own code or borders for: padded and full head sizes, groups that fill a
// tile of heads, do not and need two, and pages of every size.
const WorldShape kShapes[] = {
    {.head_dim = 16, .heads = 3, .kv_heads = 3, .page_tokens = 16},
    {.head_dim = 64, .heads = 6, .kv_heads = 2, .page_tokens = 32},
    {.head_dim = 80, .heads = 4, .kv_heads = 1, .page_tokens = 64},
    {.head_dim = 96, .heads = 8, .kv_heads = 1, .page_tokens = 128},
    {.head_dim = 128, .heads = 12, .kv_heads = 1, .page_tokens = 16},
    {.head_dim = 192, .heads = 2, .kv_heads = 2, .page_tokens = 32},
    {.head_dim = 256, .heads = 8, .kv_heads = 2, .page_tokens = 64},
};
const WorldShape kSmall{.head_dim = 64, .heads = 4, .kv_heads = 2, .page_tokens = 16};

WorldShape with(WorldShape shape, uint32_t window, float softcap = 0) {
  shape.window = window;
  shape.softcap = softcap;
  return shape;
}

WorldShape in(DType operand, WorldShape shape) {
  shape.operand = operand;
  return shape;
}

std::vector<AttentionRow> last_rows(const AttentionWorld& world) {
  std::vector<AttentionRow> rows;
  for (uint32_t s = 0; s < world.lengths.size(); ++s) rows.push_back({s, world.lengths[s] - 1});
  return rows;
}

std::vector<Chunk> whole(const AttentionWorld& world) {
  std::vector<Chunk> chunks;
  for (uint32_t s = 0; s < world.lengths.size(); ++s) chunks.push_back({s, 0, world.lengths[s]});
  return chunks;
}

// All decode kernels, with rows split and not: near the double loop, and of the same bits.
void check_decode(AttentionWorld& world, const std::vector<AttentionRow>& rows) {
  Bits first;
  for (const auto& kernel : test::decode_kernels(world.shape.operand)) {
    for (const bool split : {false, true}) {
      const Bits out = world.decode(kernel, rows, {.units = 2, .split = split});
      if (first.empty()) first = out;
      CHECK(out == first);
    }
  }
  world.check(rows, first);
}

Bits check_prefill(AttentionWorld& world, const std::vector<Chunk>& chunks) {
  const Bits out = world.prefill(test::prefill_kernel(world.shape.operand), chunks, 2);
  world.check(rows_of(chunks), out);
  return out;
}

// Random ranges in random order that cover [0, rows).
std::vector<RowRange> random_cuts(Random& random, uint32_t rows, uint32_t count) {
  std::vector<uint32_t> cuts{0, rows};
  for (uint32_t i = 0; i < count; ++i) cuts.push_back(pick(random, 0, rows));
  std::sort(cuts.begin(), cuts.end());
  std::vector<RowRange> ranges;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    if (cuts[i] < cuts[i + 1]) ranges.push_back({cuts[i], cuts[i + 1]});
  }
  std::shuffle(ranges.begin(), ranges.end(), random);
  return ranges;
}

}  // namespace

TEST("cuda: decode attention equals a double loop for every shape, split or not") {
  Random random(test::seed());
  for (const WorldShape& shape : kShapes) {
    for (const DType operand : {DType::kBF16, DType::kF16}) {
      AttentionWorld world(random, in(operand, shape), {1, 15, 16, 17, 255, 256, 257});
      check_decode(world, last_rows(world));
    }
  }
}

TEST("cuda: decode attention of long contexts") {
  Random random(test::seed());
  AttentionWorld world(random, {.head_dim = 128, .heads = 4, .kv_heads = 1, .page_tokens = 32},
                       {1000, 3, 513});
  check_decode(world, last_rows(world));
}

TEST("cuda: decode attention sees what its window shows, around tiles and chunks") {
  Random random(test::seed());
  for (const uint32_t window : {1u, 2u, 15u, 16u, 17u, 240u, 256u, 257u, 300u, 600u, 1000u}) {
    AttentionWorld world(random, with(kSmall, window), {600, 512, 17, 257});
    check_decode(world, last_rows(world));
  }
  for (const uint32_t length : {511u, 512u, 513u, 514u, 528u, 529u}) {
    AttentionWorld world(random, with(kSmall, 257), {length});
    check_decode(world, last_rows(world));
  }
}

TEST("cuda: decode attention softens scores") {
  Random random(test::seed());
  for (const float cap : {0.75f, 30.0f}) {
    AttentionWorld world(random, with(kSmall, 0, cap), {300, 20});
    check_decode(world, last_rows(world));
    AttentionWorld windowed(random, with(kSmall, 40, cap), {300, 20});
    check_decode(windowed, last_rows(windowed));
  }
}

TEST("cuda: a decode row has the same bits alone, in a batch, for any grid and any launch") {
  Random random(test::seed());
  for (const uint32_t window : {0u, 280u}) {
    AttentionWorld world(random, with(kSmall, window), {600, 1, 257, 40, 530, 256, 16});
    const auto rows = last_rows(world);
    const auto count = uint32_t(rows.size());
    for (const auto& kernel : test::decode_kernels()) {
      const Bits all = world.decode(kernel, rows, {});
      for (const uint32_t units : {2u, 5u, 64u}) {
        for (const bool split : {false, true}) {
          CHECK(world.decode(kernel, rows, {units, split}) == all);
          const auto cuts = random_cuts(random, count, 2);
          CHECK(world.decode(kernel, rows, {units, split, cuts}) == all);
        }
      }
      for (size_t i = 0; i < rows.size(); ++i) {
        CHECK(world.decode(kernel, {rows[i]}, {.split = i % 2 == 0}) == world.row_of(all, i));
      }
    }
  }
}

TEST("cuda: decode attention leaves padding rows alone") {
  Random random(test::seed());
  AttentionWorld world(random, kSmall, {300, 20});
  auto rows = last_rows(world);
  const AttentionRow padding{nf::kNoSequence, 0};
  for (const auto& kernel : test::decode_kernels()) {
    Bits expected = world.decode(kernel, rows, {});
    expected.resize(expected.size() + 3 * world.shape.width(), test::kUnwritten);
    auto padded = rows;
    padded.resize(rows.size() + 3, padding);
    CHECK(world.decode(kernel, padded, {.units = 2}) == expected);
    CHECK(world.decode(kernel, padded, {.units = 2, .split = true}) == expected);
    const Bits nothing = world.decode(kernel, {padding, padding}, {.split = true});
    CHECK(nothing == Bits(nothing.size(), test::kUnwritten));
  }
}

TEST("cuda: prefill attention equals a double loop for every shape") {
  Random random(test::seed());
  for (const WorldShape& shape : kShapes) {
    for (const DType operand : {DType::kBF16, DType::kF16}) {
      AttentionWorld world(random, in(operand, shape), {1, 17, 200});
      check_prefill(world, whole(world));
      check_prefill(world, {{2, 130, 70}, {1, 16, 1}});
    }
  }
}

TEST("cuda: prefill attention of long contexts") {
  Random random(test::seed());
  AttentionWorld world(random, {.head_dim = 128, .heads = 3, .kv_heads = 1, .page_tokens = 32},
                       {700, 130});
  check_prefill(world, {{0, 400, 300}, {1, 1, 129}});
}

TEST("cuda: prefill attention sees what its window shows") {
  Random random(test::seed());
  for (const uint32_t window : {1u, 2u, 15u, 63u, 64u, 65u, 128u, 129u, 300u, 1000u}) {
    AttentionWorld world(random, with(kSmall, window), {330, 64});
    check_prefill(world, whole(world));
  }
}

TEST("cuda: prefill attention softens scores") {
  Random random(test::seed());
  for (const float cap : {0.75f, 30.0f}) {
    AttentionWorld world(random, with(kSmall, 70, cap), {150, 20});
    check_prefill(world, whole(world));
  }
}

TEST("cuda: a prefill row has the same bits for any cut of rows, any grid and any company") {
  Random random(test::seed());
  const auto kernel = test::prefill_kernel();
  for (const uint32_t dim : {64u, 128u, 256u}) {
    for (const uint32_t window : {0u, 90u}) {
      const WorldShape shape{.head_dim = dim, .heads = 2, .kv_heads = 1, .page_tokens = 16};
      AttentionWorld world(random, with(shape, window), {300, 5, 140});
      const Bits all = world.prefill(kernel, whole(world));
      const auto rows = uint32_t(all.size() / world.shape.width());
      for (const uint32_t units : {2u, 64u}) {
        CHECK(world.prefill(kernel, whole(world), units) == all);
        for (int i = 0; i < 3; ++i) {
          const auto cuts = random_cuts(random, rows, pick(random, 1, 6));
          CHECK(world.prefill(kernel, whole(world), units, cuts) == all);
        }
      }
      // A prompt in chunks of several steps.
      Bits chunked;
      for (uint32_t done = 0; done < 300;) {
        const uint32_t count = std::min(300 - done, pick(random, 1, 200));
        const Bits part = world.prefill(kernel, {{2, 7, 1}, {0, done, count}});
        chunked.insert(chunked.end(), part.begin() + world.shape.width(), part.end());
        done += count;
      }
      CHECK(std::equal(chunked.begin(), chunked.end(), all.begin()));
    }
  }
}

TEST("cuda: attention minds nothing that stands where no token is, be it NaN") {
  Random random(test::seed());
  for (const uint32_t window : {0u, 40u}) {
    for (const uint32_t dim : {64u, 80u, 256u}) {
      const WorldShape shape{.head_dim = dim, .heads = 2, .kv_heads = 1, .page_tokens = 64};
      AttentionWorld world(random, with(shape, window), {150});
      world.spoil_outside(0, window == 0 ? 0 : 100 + 1 - window, 101);
      check_decode(world, {{0, 100}});
      check_prefill(world, {{0, 100, 1}});
    }
  }
}

TEST("cuda: attention stays finite when scores are far apart") {
  Random random(test::seed());
  AttentionWorld world(random, kSmall, {300});
  world.scale_queries(64.0f);
  check_decode(world, {{0, 299}, {0, 0}});
  check_prefill(world, {{0, 140, 160}});
}
