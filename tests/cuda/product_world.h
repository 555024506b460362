// Matrix products with random operands, run by CUDA kernels on any cut of their rows, and held
// against plain sums.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "case_lane.h"
#include "case_run.h"
#include "check.h"
#include "shapes.h"
#include "tolerance.h"

namespace test {

struct ProductKernel {
  std::string name;
  void (*launch)(const nf::OpArgs& args, nf::Lane& lane);
  size_t (*workspace)(const nf::OpShape& shape);
};

// Rows of elements of a dtype, which remember what they were drawn as.
class Operands {
 public:
  Operands(Random& random, nf::DType dtype, size_t count, float deviation)
      : dtype_(dtype), bytes_(count * sizeof(uint16_t)) {
    const std::vector<float> values = normal(random, count, deviation);
    for (size_t i = 0; i < count; ++i) {
      store(values[i], dtype, bytes_.data() + i * sizeof(uint16_t));
    }
  }
  const void* data() const { return bytes_.data(); }
  double operator[](size_t i) const {
    return double{load(dtype_, bytes_.data() + i * sizeof(uint16_t))};
  }

 private:
  nf::DType dtype_;
  AlignedBytes bytes_;
};

// What a kernel wrote, [rows, width] of a dtype; bytes that it did not write are kUnwrittenByte.
class Written {
 public:
  static constexpr std::byte kUnwrittenByte{0x7b};

  Written(nf::DType dtype, size_t rows, size_t width)
      : dtype_(dtype), width_(width), bytes_(rows * width * size_of(dtype), kUnwrittenByte) {}

  void* data() { return bytes_.data(); }
  bool operator==(const Written&) const = default;

  float value(size_t row, size_t column) const {
    return load(dtype_, bytes_.data() + (row * width_ + column) * size_of(dtype_));
  }

  // The bytes of columns [begin, end) of a row.
  std::vector<std::byte> part(size_t row, size_t begin, size_t end) const {
    const size_t element = size_of(dtype_);
    const std::byte* first = bytes_.data() + row * width_ * element;
    return {first + begin * element, first + end * element};
  }

  // Is the value as near to the sum as tolerance.h allows?
  bool near(size_t row, size_t column, double sum, nf::OpKind kind, nf::DType operand) const {
    const Tolerance allowed = tolerance(kind, operand, dtype_);
    const double error = std::abs(double{value(row, column)} - sum);
    return error <= double{allowed.absolute} + double{allowed.relative} * std::abs(sum);
  }

 private:
  nf::DType dtype_;
  size_t width_;
  std::vector<std::byte> bytes_;
};

// Cuts of [0, rows) in random order.
inline std::vector<nf::RowRange> random_cuts(Random& random, uint32_t rows, uint32_t count) {
  std::vector<uint32_t> cuts{0, rows};
  for (uint32_t i = 0; i < count; ++i) cuts.push_back(pick(random, 0, rows));
  std::sort(cuts.begin(), cuts.end());
  std::vector<nf::RowRange> ranges;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    if (cuts[i] < cuts[i + 1]) ranges.push_back({cuts[i], cuts[i + 1]});
  }
  std::shuffle(ranges.begin(), ranges.end(), random);
  return ranges;
}

// Runs a kernel on each of some row ranges. `range`: the rows member of the arguments.
inline void launch_all(const ProductKernel& kernel, const nf::OpShape& shape, nf::OpArgs& args,
                       nf::RowRange& range, const std::vector<nf::RowRange>& ranges,
                       uint32_t units) {
  const auto lane = open_cuda_lane(units, kernel.workspace(shape));
  for (const nf::RowRange rows : ranges) {
    range = rows;
    kernel.launch(args, lane->lane());
  }
  lane->finish();
  CHECK(lane->scratch_intact());
}

}  // namespace test
