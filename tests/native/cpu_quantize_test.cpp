// Rounding to int8: of rows of activations in every instruction set, and of weights.
#include <cmath>
#include <limits>

#include "core/int8.h"
#include "cpu/int8_pack.h"
#include "cpu/pack.h"
#include "cpu_fixture.h"

using namespace nf;
using test::Isa;
using test::Random;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A quantized row taken apart.
struct Row {
  std::vector<int> values;
  std::vector<int> padding;
  float scale;
};

Row row_of(const std::vector<std::byte>& rows, uint32_t width, uint32_t row) {
  const std::byte* bytes = rows.data() + row * row_bytes(DType::kI8, width);
  Row result{};
  for (uint32_t i = 0; i < quantized_bytes(width); ++i) {
    (i < width ? result.values : result.padding).push_back(int(bytes[i]) - kQuantizedZero);
  }
  std::memcpy(&result.scale, bytes + quantized_bytes(width), sizeof(float));
  return result;
}

std::vector<std::byte> quantize(Isa isa, const std::vector<uint16_t>& x, uint32_t width,
                                uint32_t units = 1) {
  const auto rows = static_cast<uint32_t>(x.size() / width);
  std::vector<std::byte> out(rows * row_bytes(DType::kI8, width), std::byte{0xee});
  OpArgs args;
  args.quantize = {{0, rows}, x.data(), out.data(), width};
  OpShape shape;
  shape.out = width;
  test::launch(isa, OpKind::kQuantize, shape, args, units);
  return out;
}

// By division, in double.
void check_row(const Row& row, const uint16_t* x) {
  float largest = 0;
  for (size_t i = 0; i < row.values.size(); ++i) {
    largest = std::max(largest, std::fabs(test::widen_bf16(x[i])));
  }
  CHECK_EQ(row.scale, largest / 127);
  for (size_t i = 0; i < row.values.size(); ++i) {
    const double exact = double{test::widen_bf16(x[i])} / double{row.scale};
    CHECK(std::fabs(row.values[i] - exact) <= 0.5 + 1e-5);
    CHECK(std::abs(row.values[i]) <= 127);
  }
  for (const int value : row.padding) CHECK_EQ(value, 0);
}

Row weight_row(uint32_t in, DType dtype, const void* source, const float* scales = nullptr) {
  test::AlignedBytes packed(cpu::matrix_bytes(1, in, DType::kI8));
  cpu::pack_matrix({1, in, 0, 1, dtype, 0, DType::kI8, scales}, source, packed.data());
  const cpu::Int8Panel panel = cpu::int8_panel({packed.data(), 1, in, DType::kI8}, 0);
  Row row{};
  row.scale = panel.scales[0];
  int sum = 0;
  for (uint32_t k = 0; k < in; ++k) {
    row.values.push_back(int(int8_t(panel.values[k / 4 * cpu::int8_group_bytes() + k % 4])));
    sum += row.values.back();
  }
  CHECK_EQ(panel.offsets[0], 128 * sum);
  return row;
}

}  // namespace

TEST("cpu: rows of any width and size are rounded to the nearest step, alike everywhere") {
  Random random(test::seed());
  for (const uint32_t width : {1u, 3u, 4u, 31u, 64u, 257u, 2000u}) {
    std::vector<float> values;
    for (const float range : {1.0f, 1e-30f, 1e30f, 1e38f, 0.01f}) {
      const auto row = test::draw_floats(random, width, range);
      values.insert(values.end(), row.begin(), row.end());
    }
    const auto x = test::round_all(values);
    const auto expected = quantize(Isa::kScalar, x, width);
    for (uint32_t r = 0; r < 5; ++r) check_row(row_of(expected, width, r), &x[size_t{r} * width]);
    for (const Isa isa : test::available_isas()) {
      CHECK(quantize(isa, x, width) == expected);
      CHECK(quantize(isa, x, width, 3) == expected);
    }
  }
}

TEST("cpu: ties go to the even step") {
  // The scale is 2: odd numbers lie between two steps.
  const auto x = test::round_all({254, 1, 3, 5, -1, -3, -5, 7});
  for (const Isa isa : test::available_isas()) {
    const Row row = row_of(quantize(isa, x, 8), 8, 0);
    CHECK_EQ(row.scale, 2.0f);
    CHECK(row.values == std::vector<int>({127, 0, 2, 2, 0, -2, -2, 4}));
  }
}

TEST("cpu: a row of zeros has scale 0, one with a NaN or an infinity scale NaN, and no values") {
  const float tiny = std::ldexp(1.0f, -130);
  for (const Isa isa : test::available_isas()) {
    for (const float special : {0.0f, tiny, -kInfinity, kInfinity, NAN, -NAN}) {
      std::vector<float> values(2 * 70, 0.0f);
      values[33] = special;
      values[1] = std::isfinite(special) ? 0.0f : 1.0f;
      std::fill(values.begin() + 70, values.end(), 1.0f);
      const auto rows = quantize(isa, test::round_all(values), 70);
      const Row row = row_of(rows, 70, 0);
      CHECK(std::isfinite(special) ? row.scale == 0 : std::isnan(row.scale));
      CHECK(row.values == std::vector<int>(70, 0));
      CHECK(row_of(rows, 70, 1).values == std::vector<int>(70, 127));
    }
  }
}

TEST("cpu: rms_norm_quantize has the bits of a quantize behind an rms_norm") {
  Random random(test::seed());
  for (const Isa isa : test::available_isas()) {
    for (const uint32_t width : {1u, 6u, 64u, 130u, 2048u}) {
      constexpr uint32_t kRows = 9;
      auto x = test::draw_floats(random, size_t{2 * kRows} * width);
      std::fill_n(x.begin() + 4 * std::ptrdiff_t(width), width, 0.0f);
      x[7 * size_t{width}] = kInfinity;
      const auto weight = test::draw_floats(random, width, 2.0f);
      std::vector<uint32_t> gather(kRows);
      for (uint32_t r = 0; r < kRows; ++r) gather[r] = 2 * r;
      gather[2] = 7;
      std::vector<uint16_t> normal(size_t{kRows} * width);
      OpShape shape;
      shape.out = width;
      OpArgs args;
      args.rms_norm = {{0, kRows},    gather.data(), x.data(), weight.data(),
                       normal.data(), width,         1e-5f};
      test::launch(isa, OpKind::kRmsNorm, shape, args);
      std::vector<std::byte> out(kRows * row_bytes(DType::kI8, width));
      args.rms_norm.out = out.data();
      test::launch(isa, OpKind::kRmsNormQuantize, shape, args, 3);
      CHECK(out == quantize(isa, normal, width));
    }
  }
}

TEST("cpu: weights of every dtype are rounded alike, row by row") {
  Random random(test::seed());
  for (const uint32_t in : {1u, 3u, 512u, 515u, 1030u}) {
    std::vector<float> wide = test::draw_floats(random, in);
    for (float& value : wide)
      value = half_to_float(to_half(test::widen_bf16(test::round_bf16(value))));
    std::vector<uint16_t> half;
    for (const float value : wide) half.push_back(to_half(value));
    const auto narrow = test::round_all(wide);
    const Row row = weight_row(in, DType::kF32, wide.data());
    check_row(row, narrow.data());
    CHECK(weight_row(in, DType::kF16, half.data()).values == row.values);
    CHECK(weight_row(in, DType::kBF16, narrow.data()).values == row.values);
    CHECK_EQ(weight_row(in, DType::kF16, half.data()).scale, row.scale);
    CHECK_EQ(weight_row(in, DType::kBF16, narrow.data()).scale, row.scale);
  }
}

TEST("cpu: weights that cannot be rounded are zeros or NaNs, and stored int8 stays as it is") {
  const float zeros[] = {0, -0.0f, 0};
  CHECK_EQ(weight_row(3, DType::kF32, zeros).scale, 0.0f);
  const float broken[] = {1, kInfinity, 2};
  CHECK(std::isnan(weight_row(3, DType::kF32, broken).scale));
  const uint16_t half[] = {0x3c00, 0x7c00, 0x3c00};  // 1, infinity, 1
  CHECK(std::isnan(weight_row(3, DType::kF16, half).scale));
  const int8_t stored[] = {-128, 127, 0, -1, 5};
  const float scale = 0.37f;
  const Row row = weight_row(5, DType::kI8, stored, &scale);
  CHECK(row.values == std::vector<int>({-128, 127, 0, -1, 5}));
  CHECK_EQ(row.scale, scale);
}

TEST("cpu: an int8 matrix reads back row by row, whatever parts and pairs it was stored in") {
  Random random(test::seed());
  constexpr uint32_t kOut = 76;
  constexpr uint32_t kIn = 37;
  std::vector<int8_t> values(kOut * kIn);
  for (int8_t& value : values) value = int8_t(int(test::pick(random, 0, 255)) - 128);
  auto scales = test::draw_floats(random, kOut);
  for (float& scale : scales) scale = std::fabs(scale);
  for (const uint32_t group : {0u, 2u, 38u}) {
    test::AlignedBytes packed(cpu::matrix_bytes(kOut, kIn, DType::kI8));
    for (const uint32_t first : {38u, 0u}) {  // two parts, which share a panel
      cpu::pack_matrix({kOut, kIn, first, 38, DType::kI8, group, DType::kI8, &scales[first]},
                       &values[size_t{first} * kIn], packed.data());
    }
    for (uint32_t stored = 0; stored < kOut; ++stored) {
      const uint32_t row = stored / 38 * 38 + unpaired_row(stored % 38, group);
      std::vector<float> out(kIn);
      cpu::unpack_row({packed.data(), kOut, kIn, DType::kI8}, row, out.data());
      for (uint32_t k = 0; k < kIn; ++k) {
        CHECK_EQ(out[k], float(values[size_t{stored} * kIn + k]) * scales[stored]);
      }
    }
  }
}
