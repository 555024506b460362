// Attention of every instruction set over pages that rope_append wrote: against a double loop, and
// bit by bit however the rows of a sequence are cut.
#include <cmath>

#include "cpu/pack.h"
#include "cpu_fixture.h"

using namespace nf;
using test::Isa;
using test::Random;

namespace {

struct Shape {
  uint32_t head_dim;
  uint32_t heads;
  uint32_t kv_heads;
  uint32_t page_tokens;
  uint32_t window = 0;
  float softcap = 0;

  uint32_t qkv_width() const { return (heads + 2 * kv_heads) * head_dim; }
  uint32_t q_width() const { return heads * head_dim; }
  OpShape op_shape() const {
    OpShape shape;
    shape.head_dim = head_dim;
    shape.num_heads = heads;
    shape.num_kv_heads = kv_heads;
    return shape;
  }
};

constexpr uint32_t kMaxPositions = 512;

// Sequences of random tokens: the qkv of (sequence, position) is fixed, and so must its output be.
// Positions are not rotated (cos 1, sin 0), so that the operands are exactly known.
struct World {
  World(Random& random, Shape shape_, std::vector<uint32_t> lengths_)
      : shape(shape_),
        lengths(std::move(lengths_)),
        cos(size_t{kMaxPositions} * shape.head_dim / 2, 1.0f),
        sin(cos.size(), 0.0f) {
    uint32_t total_pages = 0;
    for (const uint32_t length : lengths) {
      qkv.push_back(test::draw_floats(random, size_t{length} * shape.qkv_width(), 2.0f));
      table_begin.push_back(total_pages);
      total_pages += (length + shape.page_tokens - 1) / shape.page_tokens;
    }
    for (uint32_t i = 0; i < total_pages; ++i) table.push_back(i);
    std::shuffle(table.begin(), table.end(), random);
  }

  Shape shape;
  std::vector<uint32_t> lengths;
  std::vector<float> cos, sin;
  std::vector<std::vector<float>> qkv;  // by sequence: [length, qkv_width]
  std::vector<uint32_t> table;
  std::vector<uint32_t> table_begin;
};

// A step's part of a sequence.
struct Chunk {
  uint32_t sequence;
  uint32_t position;
  uint32_t rows;
};

// The outputs of all tokens that were run so far, in the order of their positions.
class Engine {
 public:
  Engine(Isa isa, World& world)
      : isa_(isa),
        world_(world),
        page_bytes_(cpu::kv_page_bytes(world.shape.page_tokens, world.shape.kv_heads,
                                       world.shape.head_dim)),
        pages_(page_bytes_ * world.table.size()) {
    std::memset(pages_.data(), 0xff, pages_.size());  // NaN: nothing unwritten may count
    for (const uint32_t length : world.lengths) {
      out.emplace_back(size_t{length} * world.shape.q_width());
    }
  }

  // Runs chunks as one step; decode chunks come first. With `cut`, rows [0, cut) are appended and
  // attended before the others are appended.
  void step(const std::vector<Chunk>& chunks, uint32_t num_decode, uint32_t cut = 0) {
    Batch batch;
    build(chunks, num_decode, batch);
    if (cut > 0) run(batch, {0, cut});
    run(batch, {cut, batch.num_rows});
    for (uint32_t row = 0, c = 0; c < chunks.size(); ++c) {
      const size_t width = world_.shape.q_width();
      std::copy_n(
          attended_.begin() + static_cast<ptrdiff_t>(row * width), chunks[c].rows * width,
          out[chunks[c].sequence].begin() + static_cast<ptrdiff_t>(chunks[c].position * width));
      row += chunks[c].rows;
    }
  }

  // Fills the first `count` pages of a sequence with NaNs.
  void spoil_pages(uint32_t sequence, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t page = world_.table[world_.table_begin[sequence] + i];
      std::memset(pages_.data() + page * page_bytes_, 0xff, page_bytes_);
    }
  }

  std::vector<std::vector<uint16_t>> out;  // by sequence: [length, q_width]
  uint32_t units = 1;

 private:
  void build(const std::vector<Chunk>& chunks, uint32_t num_decode, Batch& batch) {
    qkv_.clear();
    row_sequence_.clear();
    row_position_.clear();
    sequences_.clear();
    for (const Chunk& chunk : chunks) {
      const uint32_t width = world_.shape.qkv_width();
      const auto& qkv = world_.qkv[chunk.sequence];
      const auto begin = qkv.begin() + static_cast<ptrdiff_t>(size_t{chunk.position} * width);
      qkv_.insert(qkv_.end(), begin, begin + static_cast<ptrdiff_t>(size_t{chunk.rows} * width));
      for (uint32_t i = 0; i < chunk.rows; ++i) {
        row_sequence_.push_back(static_cast<uint32_t>(sequences_.size()));
        row_position_.push_back(chunk.position + i);
      }
      nf_sequence sequence{};
      sequence.row_count = chunk.rows;
      sequence.position = chunk.position;
      sequence.page_begin = world_.table_begin[chunk.sequence];
      sequences_.push_back(sequence);
    }
    batch.num_rows = static_cast<uint32_t>(row_sequence_.size());
    batch.num_decode_rows = num_decode;
    batch.num_sequences = static_cast<uint32_t>(sequences_.size());
    batch.row_sequence = row_sequence_.data();
    batch.row_position = row_position_.data();
    batch.sequences = sequences_.data();
    batch.pages = world_.table.data();
    q_.assign(size_t{batch.num_rows} * world_.shape.q_width(), 0);
    attended_.assign(q_.size(), 0);
  }

  void run(const Batch& batch, RowRange rows) {
    const KvView kv{pages_.data(), page_bytes_, world_.shape.page_tokens, world_.shape.kv_heads,
                    world_.shape.head_dim};
    OpArgs args;
    args.rope_append = {rows,
                        &batch,
                        qkv_.data(),
                        q_.data(),
                        kv,
                        {world_.cos.data(), world_.sin.data()},
                        world_.shape.heads,
                        nullptr,
                        0.0f,
                        1 / std::sqrt(static_cast<float>(world_.shape.head_dim))};
    launch(OpKind::kRopeAppend, args);
    const uint32_t decode = std::min(rows.end, batch.num_decode_rows);
    const RowRange ranges[] = {{rows.begin, decode}, {std::max(rows.begin, decode), rows.end}};
    for (const int kind : {0, 1}) {
      args.attention = {ranges[kind],        &batch,
                        q_.data(),           kv,
                        attended_.data(),    world_.shape.heads,
                        world_.shape.window, world_.shape.softcap};
      launch(kind == 0 ? OpKind::kDecodeAttention : OpKind::kPrefillAttention, args);
    }
  }

  void launch(OpKind kind, const OpArgs& args) {
    test::launch(isa_, kind, world_.shape.op_shape(), args, units);
  }

  Isa isa_;
  World& world_;
  size_t page_bytes_;
  test::AlignedBytes pages_;
  std::vector<float> qkv_;
  std::vector<uint16_t> q_, attended_;
  std::vector<uint32_t> row_sequence_, row_position_;
  std::vector<nf_sequence> sequences_;
};

// All sequences whole, in one prefill step.
std::vector<std::vector<uint16_t>> prefill_whole(Isa isa, World& world) {
  Engine engine(isa, world);
  std::vector<Chunk> chunks;
  for (uint32_t s = 0; s < world.lengths.size(); ++s) chunks.push_back({s, 0, world.lengths[s]});
  engine.step(chunks, 0);
  return engine.out;
}

// Random chunks of random sequences until all are done; chunks of one row may go as decode rows.
std::vector<std::vector<uint16_t>> run_chunked(Isa isa, World& world, Random& random) {
  Engine engine(isa, world);
  std::vector<uint32_t> done(world.lengths.size());
  while (done != world.lengths) {
    std::vector<Chunk> decode, prefill;
    for (uint32_t s = 0; s < done.size(); ++s) {
      const uint32_t left = world.lengths[s] - done[s];
      if (left == 0 || test::pick(random, 0, 3) == 0) continue;
      const bool one = test::pick(random, 0, 1) == 0;
      const uint32_t rows = one ? 1 : test::pick(random, 1, std::min(left, 70u));
      (one ? decode : prefill).push_back({s, done[s], rows});
      done[s] += rows;
    }
    const auto num_decode = static_cast<uint32_t>(decode.size());
    uint32_t rows = 0;
    decode.insert(decode.end(), prefill.begin(), prefill.end());
    for (const Chunk& chunk : decode) rows += chunk.rows;
    if (rows == 0) continue;
    engine.units = test::pick(random, 1, 3);
    engine.step(decode, num_decode, test::pick(random, 0, rows - 1));
  }
  return engine.out;
}

double dot(const float* a, const float* b, uint32_t size, float scale) {
  double sum = 0;
  for (uint32_t d = 0; d < size; ++d) {
    sum += double{test::widen_bf16(test::round_bf16(a[d] * scale))} *
           double{test::widen_bf16(test::round_bf16(b[d]))};
  }
  return sum;
}

struct Expected {
  std::vector<double> value;      // [D]
  std::vector<double> magnitude;  // [D] sum of p * |v|
};

Expected expect(const World& world, uint32_t sequence, uint32_t position, uint32_t head) {
  const Shape& shape = world.shape;
  const uint32_t dim = shape.head_dim;
  const uint32_t kv_head = head / (shape.heads / shape.kv_heads);
  const auto row = [&](uint32_t p) {
    return world.qkv[sequence].data() + size_t{p} * shape.qkv_width();
  };
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  std::vector<double> weights;
  double top = -1e300, total = 0;
  const uint32_t hidden = shape.window == 0 || position < shape.window
                              ? 0
                              : position - shape.window + 1;  // positions before the window
  for (uint32_t p = hidden; p <= position; ++p) {
    const float* key = row(p) + shape.q_width() + kv_head * dim;
    const double score = dot(row(position) + head * dim, key, dim, scale);
    const double cap = double{shape.softcap};
    weights.push_back(cap > 0 ? cap * std::tanh(score / cap) : score);
    top = std::max(top, weights.back());
  }
  for (double& w : weights) total += w = std::exp(w - top);
  Expected e{std::vector<double>(dim), std::vector<double>(dim)};
  for (uint32_t p = hidden; p <= position; ++p) {
    const float* value = row(p) + shape.q_width() + (shape.kv_heads + kv_head) * dim;
    for (uint32_t d = 0; d < dim; ++d) {
      const double v = double{test::widen_bf16(test::round_bf16(value[d]))};
      e.value[d] += weights[p - hidden] / total * v;
      e.magnitude[d] += weights[p - hidden] / total * std::fabs(v);
    }
  }
  return e;
}

// Rounding to bf16 is off by 2^-8 at most: each probability, their sum, and the result.
void check_against_double(const World& world, const std::vector<std::vector<uint16_t>>& out) {
  const uint32_t dim = world.shape.head_dim;
  for (uint32_t s = 0; s < out.size(); ++s) {
    for (uint32_t i = 0; i < world.lengths[s] * world.shape.heads; ++i) {
      const Expected e = expect(world, s, i / world.shape.heads, i % world.shape.heads);
      for (uint32_t d = 0; d < dim; ++d) {
        const double got = double{test::widen_bf16(out[s][size_t{i} * dim + d])};
        const double error = std::fabs(got - e.value[d]);
        REQUIRE(error <= 2.0 / 256 * e.magnitude[d] + 1.0 / 256 * std::fabs(e.value[d]) + 1e-5);
      }
    }
  }
}

const Shape kShapes[] = {{16, 2, 2, 16},  {48, 4, 2, 32}, {64, 6, 1, 64}, {80, 5, 5, 128},
                         {128, 8, 2, 16}, {2, 3, 1, 16},  {66, 2, 1, 32}, {256, 2, 1, 64}};

// Windows of one token, within a block, of a whole block, over its border, and of several.
constexpr uint32_t kWindows[] = {1, 2, 15, 16, 31, 48, 63, 64, 65, 100, 192};

Shape windowed(Random& random) {
  Shape shape = kShapes[test::pick(random, 0, std::size(kShapes) - 1)];
  shape.window = kWindows[test::pick(random, 0, std::size(kWindows) - 1)];
  return shape;
}

}  // namespace

TEST("cpu: attention equals a double loop over random page tables") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (const Shape& shape : kShapes) {
      World world(random, shape, {1, test::pick(random, 2, 40), test::pick(random, 120, 150)});
      check_against_double(world, prefill_whole(isa, world));
    }
  }
}

TEST("cpu: attention has the same bits for any chunks, in prefill and in decode") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (const Shape& shape : kShapes) {
      World world(random, shape, {63, 64, 65, 1, test::pick(random, 2, 300)});
      const auto whole = prefill_whole(isa, world);
      for (int i = 0; i < test::scale(2, 50); ++i) {
        CHECK(run_chunked(isa, world, random) == whole);
      }
    }
  }
}

TEST("cpu: attention decodes token by token what it prefills at once") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    World world(random, {64, 4, 2, 16}, {131, 67});
    const auto whole = prefill_whole(isa, world);
    Engine engine(isa, world);
    engine.units = 3;
    for (uint32_t p = 0; p < 131; ++p) {
      if (p < 67) {
        engine.step({{1, p, 1}, {0, p, 1}}, 2);
      } else {
        engine.step({{0, p, 1}}, 1);
      }
    }
    CHECK(engine.out == whole);
  }
}

TEST("cpu: attention through a window equals a double loop over the window") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (int i = 0; i < test::scale(12, 100); ++i) {
      World world(random, windowed(random), {1, test::pick(random, 2, 64), 150});
      check_against_double(world, prefill_whole(isa, world));
    }
  }
}

TEST("cpu: attention through a window has the same bits for any chunks") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (int i = 0; i < test::scale(12, 100); ++i) {
      World world(random, windowed(random), {63, 64, 130, test::pick(random, 2, 300)});
      CHECK(run_chunked(isa, world, random) == prefill_whole(isa, world));
    }
  }
}

TEST(
    "cpu: attention with softened scores equals a double loop, with the same bits for any chunks") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (int i = 0; i < test::scale(12, 100); ++i) {
      Shape shape = windowed(random);
      if (i % 2 == 0) shape.window = 0;
      shape.softcap = test::pick(random, 0, 1) == 0 ? 1.5f : 30.0f;
      World world(random, shape, {1, test::pick(random, 2, 64), 150});
      const auto whole = prefill_whole(isa, world);
      check_against_double(world, whole);
      CHECK(run_chunked(isa, world, random) == whole);
    }
  }
}

TEST("cpu: a window as long as the sequence changes no bit") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (Shape shape : kShapes) {
      World world(random, shape, {200});
      const auto whole = prefill_whole(isa, world);
      for (const uint32_t window : {200u, 201u, ~0u}) {
        world.shape.window = window;
        CHECK(prefill_whole(isa, world) == whole);
      }
    }
  }
}

TEST("cpu: attention reads no page that lies before every window") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    // The window of position 299 begins in the first, second and third page of its first block.
    for (const uint32_t window : {40u, 20u, 10u, 40u, 20u, 10u}) {
      World world(random, {64, 4, 2, 16, window}, {300});
      Engine whole(isa, world);
      whole.step({{0, 0, 300}}, 0);
      Engine engine(isa, world);
      engine.step({{0, 0, 299}}, 0);
      engine.spoil_pages(0, (300 - window) / 16);
      engine.step({{0, 299, 1}}, test::pick(random, 0, 1));
      const ptrdiff_t row = 299 * world.shape.q_width();
      CHECK(
          std::equal(whole.out[0].begin() + row, whole.out[0].end(), engine.out[0].begin() + row));
    }
  }
}

TEST("cpu: attention groups more query heads than fit a tile") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    World world(random, {16, 71, 1, 16}, {70, 3});
    const auto whole = prefill_whole(isa, world);
    check_against_double(world, whole);
    CHECK(run_chunked(isa, world, random) == whole);
  }
}

TEST("cpu: attention of one token returns its value, whatever its score") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    World world(random, {32, 2, 1, 16}, {1});
    for (float& x : world.qkv[0]) x *= 1000;
    const auto out = prefill_whole(isa, world);
    for (uint32_t i = 0; i < 64; ++i) {
      CHECK_EQ(out[0][i], test::round_bf16(world.qkv[0][64 + 32 + i % 32]));
    }
  }
}

TEST("cpu: attention stays finite when scores are far apart") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    World world(random, {64, 2, 1, 32}, {140});
    for (float& x : world.qkv[0]) x *= 100;
    check_against_double(world, prefill_whole(isa, world));
  }
}

TEST("cpu: attention refuses head sizes that its pages cannot hold") {
  for (const Isa isa : test::available_isas()) {
    for (const auto kind : {OpKind::kDecodeAttention, OpKind::kPrefillAttention}) {
      const Kernel& kernel = test::kernel_of(isa, kind);
      CHECK(kernel.supports(Shape{256, 2, 1, 16}.op_shape()));
      CHECK(!kernel.supports(Shape{258, 2, 1, 16}.op_shape()));
      CHECK(!kernel.supports(Shape{15, 2, 1, 16}.op_shape()));
      CHECK(!kernel.supports(Shape{16, 3, 2, 16}.op_shape()));
    }
  }
}
