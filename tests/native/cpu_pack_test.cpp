// Packed matrices: what goes in comes out, at any size and in any order of parts.
#include <cmath>

#include "cpu/pack.h"
#include "cpu_fixture.h"

using namespace nf;
using test::Random;

namespace {

// Packs an [out, in] matrix in parts of random height and returns it.
template <typename T>
test::AlignedBytes pack(Random& random, const std::vector<T>& source, uint32_t out, uint32_t in,
                        DType dtype) {
  test::AlignedBytes packed(cpu::matrix_bytes(out, in));
  for (uint32_t first = 0; first < out;) {
    const uint32_t rows = test::pick(random, 1, out - first);
    cpu::pack_matrix({out, in, first, rows, dtype}, source.data() + size_t{first} * in,
                     packed.data());
    first += rows;
  }
  return packed;
}

std::vector<float> row_of(test::AlignedBytes& packed, uint32_t out, uint32_t in, uint32_t row) {
  std::vector<float> values(in);
  cpu::unpack_row({packed.data(), out, in}, row, values.data());
  return values;
}

}  // namespace

TEST("cpu: a packed bf16 matrix reads back bit by bit") {
  Random random(test::seed());
  for (const uint32_t out : {1u, 31u, 32u, 33u, 70u}) {
    for (const uint32_t in : {1u, 2u, 7u, 32u, 65u}) {
      const auto source = test::round_all(test::draw_floats(random, size_t{out} * in));
      auto packed = pack(random, source, out, in, DType::kBF16);
      for (uint32_t r = 0; r < out; ++r) {
        const auto row = row_of(packed, out, in, r);
        for (uint32_t k = 0; k < in; ++k) {
          CHECK_EQ(row[k], test::widen_bf16(source[size_t{r} * in + k]));
        }
      }
    }
  }
}

TEST("cpu: fp32 and fp16 weights are rounded to bf16, ties to even") {
  Random random(test::seed());
  const std::vector<float> wide = {1.00390625f, 1.01171875f, -1.00390625f, 3.1415926f};
  auto packed = pack(random, wide, 1, 4, DType::kF32);
  const auto row = row_of(packed, 1, 4, 0);
  CHECK_EQ(row[0], 1.0f);  // halfway between 1 and 1.0078125: the even one
  CHECK_EQ(row[1], 1.015625f);
  CHECK_EQ(row[2], -1.0f);
  CHECK_EQ(row[3], 3.140625f);
  const std::vector<uint16_t> half = {0x3c00, 0x3c05, 0xc000, 0x0001};
  auto packed_half = pack(random, half, 1, 4, DType::kF16);
  const auto half_row = row_of(packed_half, 1, 4, 0);
  CHECK_EQ(half_row[0], 1.0f);
  CHECK_EQ(half_row[1], 1.0078125f);  // 1.0048828125 is nearer to it than to 1
  CHECK_EQ(half_row[2], -2.0f);
  CHECK_EQ(half_row[3], std::ldexp(1.0f, -24));
}

TEST("cpu: a packed matrix is whole panels of zeros where nothing was packed") {
  test::AlignedBytes packed(cpu::matrix_bytes(33, 3));
  CHECK_EQ(packed.size(), size_t{2 * 32 * 2 * 4});
  const std::vector<float> ones(3, 1.0f);
  cpu::pack_matrix({33, 3, 32, 1, DType::kF32}, ones.data(), packed.data());
  uint32_t set = 0;
  for (size_t i = 0; i < packed.size() / 2; ++i) {
    uint16_t bits;
    std::memcpy(&bits, packed.data() + 2 * i, 2);
    set += bits != 0;
  }
  CHECK_EQ(set, 3u);
}

TEST("cpu: instruction sets have names that parse, and the detected one is available") {
  for (uint8_t i = 0; i < uint8_t(cpu::Isa::kCount); ++i) {
    CHECK(cpu::parse_isa(cpu::isa_name(cpu::Isa(i))) == cpu::Isa(i));
  }
  CHECK(!cpu::parse_isa("sse9"));
  CHECK(!cpu::parse_isa(""));
  CHECK(cpu::isa_available(cpu::detect_isa().isa));
  CHECK(cpu::isa_available(cpu::Isa::kScalar));
}
