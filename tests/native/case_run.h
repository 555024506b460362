// What the cases of all kinds of op are made of: tensors of any dtype, packed weights, and the
// launch.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernel_cases.h"
#include "random_blocks.h"

namespace test {

// Numbers that bf16 and fp16 hold exactly.
inline std::vector<float> operands(Random& random, size_t count, float deviation = 1.0f) {
  std::vector<float> values = normal(random, count, deviation);
  for (float& value : values) {
    value = nf::half_to_float(nf::to_half(nf::to_float(nf::to_bf16(value))));
  }
  return values;
}

inline void store(float value, nf::DType dtype, std::byte* out) {
  const uint16_t narrow = dtype == nf::DType::kF16 ? nf::to_half(value) : nf::to_bf16(value).bits;
  const void* element = &narrow;
  if (dtype == nf::DType::kF32) element = &value;
  std::memcpy(out, element, size_of(dtype));
}

inline float load(nf::DType dtype, const std::byte* bytes) {
  float value;
  uint16_t narrow;
  std::memcpy(dtype == nf::DType::kF32 ? static_cast<void*>(&value) : &narrow, bytes,
              size_of(dtype));
  if (dtype == nf::DType::kF32) return value;
  return dtype == nf::DType::kF16 ? nf::half_to_float(narrow) : nf::to_float(nf::BF16{narrow});
}

// [rows, width] in memory of a dtype, read and written as floats.
class Tensor {
 public:
  Tensor(nf::DType dtype, const std::vector<float>& values)
      : dtype_(dtype), count_(values.size()), bytes_(count_ * size_of(dtype)) {
    for (size_t i = 0; i < count_; ++i) {
      store(values[i], dtype, bytes_.data() + i * size_of(dtype));
    }
  }
  Tensor(nf::DType dtype, size_t count) : Tensor(dtype, std::vector<float>(count, kUntouched)) {}

  void* data() { return bytes_.data(); }
  float* floats() { return reinterpret_cast<float*>(bytes_.data()); }

  void append_to(Output& output) const { append_to(output, count_); }
  void append_to(Output& output, size_t count) const {
    output.written = dtype_;
    output.bytes.insert(output.bytes.end(), bytes_.data(), bytes_.data() + count * size_of(dtype_));
    for (size_t i = 0; i < count; ++i) {
      output.values.push_back(load(dtype_, bytes_.data() + i * size_of(dtype_)));
    }
  }

 private:
  nf::DType dtype_;
  size_t count_;
  AlignedBytes bytes_;
};

// [rows, width] of quantized rows (core/tensor.h), read as floats.
class QuantizedRows {
 public:
  // Every element is kUntouched.
  QuantizedRows(uint32_t rows, uint32_t width)
      : rows_(rows), width_(width), bytes_(rows * pitch() + sizeof(float)) {
    std::memset(bytes_.data(), nf::kQuantizedZero + 1, bytes_.size());
    for (uint32_t row = 0; row < rows; ++row) set_scale(row, kUntouched);
  }
  // Of random bytes, the largest and the smallest among them.
  QuantizedRows(Random& random, uint32_t rows, uint32_t width) : QuantizedRows(rows, width) {
    for (uint32_t row = 0; row < rows; ++row) {
      std::byte* bytes = row_data(row);
      std::memset(bytes, nf::kQuantizedZero, pitch() - sizeof(float));
      const uint32_t spread = pick(random, 0, 1) == 0 ? 127 : 1;
      for (uint32_t i = 0; i < width; ++i) {
        const bool extreme = pick(random, 0, 15) == 0;
        bytes[i] = std::byte(extreme ? 255 : pick(random, 128 - spread, 128 + spread));
      }
      set_scale(row, float(pick(random, 0, 40)) / 1024);
    }
  }

  std::byte* data() { return bytes_.data(); }
  std::byte* row_data(uint32_t row) { return bytes_.data() + row * pitch(); }
  size_t pitch() const { return row_bytes(nf::DType::kI8, width_); }

  void append_to(Output& output) const {
    output.written = nf::DType::kF32;
    output.bytes.insert(output.bytes.end(), bytes_.data(), bytes_.data() + rows_ * pitch());
    for (uint32_t row = 0; row < rows_; ++row) {
      const std::byte* bytes = bytes_.data() + row * pitch();
      float scale;
      std::memcpy(&scale, bytes + pitch() - sizeof(float), sizeof(float));
      for (uint32_t i = 0; i < width_; ++i) {
        output.values.push_back(scale * float(int(bytes[i]) - int{nf::kQuantizedZero}));
      }
    }
  }

 private:
  void set_scale(uint32_t row, float scale) {
    std::memcpy(row_data(row) + pitch() - sizeof(float), &scale, sizeof(float));
  }

  uint32_t rows_;
  uint32_t width_;
  AlignedBytes bytes_;
};

// The operand of a GEMM as its weights want it: quantized where they are int8.
class GemmInput {
 public:
  GemmInput(Random& random, nf::DType operand, nf::DType weight, uint32_t rows, uint32_t in)
      : int8_(weight == nf::DType::kI8),
        plain_(operand, operands(random, int8_ ? 0 : size_t{rows} * in)),
        quantized_(random, int8_ ? rows : 0, in) {}
  const void* data() { return int8_ ? quantized_.data() : plain_.data(); }

 private:
  bool int8_;
  Tensor plain_;
  QuantizedRows quantized_;
};

template <typename T>
void append_bytes(std::vector<std::byte>& to, const T* data, size_t count) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  to.insert(to.end(), bytes, bytes + count * sizeof(T));
}

// A case being run: random inputs come from its seed, the same for every backend and split.
struct Run {
  Run(const Subject& subject_in, const nf::Kernel& kernel_in, const OpCase& c, Split split_in)
      : subject(subject_in),
        kernel(kernel_in),
        shape(c.shape),
        weight(c.weight),
        split(split_in),
        random(c.seed) {}

  const Subject& subject;
  const nf::Kernel& kernel;
  nf::OpShape shape;
  nf::DType weight;  // the format in which a matrix is stored
  Split split;
  Random random;
  Output output;

  // Launches the kernel on `rows`, and on the `padding` behind them, as the split says. `range`:
  // the rows member of the arguments.
  void launch(nf::OpArgs& args, nf::RowRange& range, nf::RowRange rows, uint32_t padding = 0) {
    const auto lane = subject.open_lane(split == Split::kWhole ? 1 : 3, kernel.workspace(shape));
    output.launched = {rows.end, rows.begin};
    for (const nf::RowRange piece : pieces({rows.begin, rows.end + padding})) {
      range = piece;
      kernel.launch(args, lane->lane());
      output.launched.begin = std::min(output.launched.begin, piece.begin);
      output.launched.end = std::max(output.launched.end, std::min(piece.end, rows.end));
    }
    lane->finish();
    output.scratch_intact = lane->scratch_intact();
  }

  // The dtype in which a kernel reads products: the subject's own or fp32.
  nf::DType product() { return pick(random, 0, 1) == 0 ? nf::DType::kF32 : subject.product; }

 private:
  std::vector<nf::RowRange> pieces(nf::RowRange rows) {
    if (split == Split::kWhole || rows.size() < 2) return {rows};
    std::vector<uint32_t> cuts{rows.begin, rows.end};
    for (int i = 0; i < 3; ++i) {
      cuts.push_back(pick(random, rows.begin, rows.end));
    }
    std::sort(cuts.begin(), cuts.end());
    std::vector<nf::RowRange> ranges;
    for (size_t i = 0; i + 1 < cuts.size(); ++i) {
      if (cuts[i] < cuts[i + 1]) ranges.push_back({cuts[i], cuts[i + 1]});
    }
    std::shuffle(ranges.begin(), ranges.end(), random);
    if (split == Split::kMiddle) ranges.resize(1);
    return ranges;
  }
};

// A weight of the backend, packed in two parts as fused projections are.
class PackedMatrix {
 public:
  // Of random elements that are stored in run.weight; plain ones are bf16, and int8 ones are
  // rounded from bf16 in the first part.
  PackedMatrix(Run& run, uint32_t out, uint32_t in, float deviation = 1.0f)
      : format_(packed_format(run)),
        bytes_(run.subject.matrix_bytes(out, in, format_)),
        view_{bytes_.data(), out, in, format_} {
    if (is_block_format(run.weight)) {
      const auto blocks =
          random_blocks(run.random, nf::block_format(run.weight), size_t{out} * in, deviation);
      pack(run.subject, run.weight, blocks.data());
    } else {
      Tensor source(nf::DType::kBF16, operands(run.random, size_t{out} * in, deviation));
      pack(run.subject, nf::DType::kBF16, static_cast<const std::byte*>(source.data()));
      if (format_ == nf::DType::kI8) pack_stored(run, deviation);
    }
  }
  const nf::WeightView& view() const { return view_; }

 private:
  static nf::DType packed_format(const Run& run) {
    if (is_block_format(run.weight)) return run.subject.packed_format(run.weight);
    return run.weight;
  }

  // Over the second part: integers of every value, with scales.
  void pack_stored(Run& run, float deviation) {
    const uint32_t first = view_.out / 3;
    const uint32_t rows = view_.out - first;
    std::vector<int8_t> values(size_t{rows} * view_.in);
    for (int8_t& value : values) value = int8_t(int(pick(run.random, 0, 255)) - 128);
    std::vector<float> scales(rows);
    for (float& scale : scales) scale = deviation * float(pick(run.random, 0, 20)) / 1024;
    run.subject.pack_matrix(
        {view_.out, view_.in, first, rows, nf::DType::kI8, 0, format_, scales.data()},
        values.data(), bytes_.data());
  }

  void pack(const Subject& subject, nf::DType dtype, const std::byte* rows) {
    const uint32_t out = view_.out;
    const uint32_t in = view_.in;
    const uint32_t first = out / 3;
    subject.pack_matrix({out, in, 0, first, dtype, 0, format_}, rows, bytes_.data());
    subject.pack_matrix({out, in, first, out - first, dtype, 0, format_},
                        rows + nf::stored_bytes(dtype, size_t{first} * in), bytes_.data());
  }

  nf::DType format_;
  AlignedBytes bytes_;
  nf::WeightView view_;
};

// Runners that stand in product_cases.cpp.
void run_rms_norm(Run& run);
void run_rms_norm_quantize(Run& run);
void run_quantize(Run& run);
void run_gemm(Run& run);
void run_gemm_glu(Run& run);

}  // namespace test
