// What the tests of the cpu kernels share: a lane that hides nothing, and random buffers.
#pragma once

#include <algorithm>
#include <cstring>
#include <random>
#include <stdexcept>
#include <vector>

#include "check.h"
#include "core/backend.h"
#include "cpu/isa.h"
#include "cpu/kernel_table.h"
#include "shapes.h"

namespace test {

using nf::cpu::Isa;

inline std::vector<float> draw_floats(Random& random, size_t count, float range = 1.0f) {
  std::uniform_real_distribution<float> uniform(-range, range);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(random);
  return values;
}

inline uint16_t round_bf16(float value) { return nf::to_bf16(value).bits; }
inline float widen_bf16(uint16_t bits) { return nf::to_float(nf::BF16{bits}); }

inline std::vector<uint16_t> round_all(const std::vector<float>& values) {
  std::vector<uint16_t> result;
  for (const float value : values) result.push_back(round_bf16(value));
  return result;
}

inline std::vector<Isa> available_isas() {
  std::vector<Isa> result;
  for (uint8_t i = 0; i < uint8_t(Isa::kCount); ++i) {
    if (nf::cpu::isa_available(Isa(i))) result.push_back(Isa(i));
  }
  return result;
}

inline const nf::Kernel& kernel_of(Isa isa, nf::OpKind kind, nf::DType weight = nf::DType::kPlain) {
  for (const nf::Kernel& kernel : nf::cpu::kernel_table(isa)) {
    if (kernel.kind == kind && kernel.weight == weight) return kernel;
  }
  throw std::runtime_error("no kernel of this kind");
}

// Runs tasks in a shuffled order on randomly chosen workers. Scratch is as large as the kernel
// asked for, is full of NaNs before every task, and its end is watched.
class ShuffledLane : public nf::Lane {
 public:
  ShuffledLane(uint32_t units, size_t workspace, uint64_t seed)
      : units_(units), workspace_(workspace), random_(seed) {
    for (uint32_t i = 0; i < units; ++i) scratch_.emplace_back(workspace + 64);
  }

  uint32_t units() const override { return units_; }
  void limit(uint32_t units) override { units_ = std::min(units_, units); }
  std::byte* scratch(uint32_t worker) override { return scratch_[worker].data(); }

  void parallel_for(uint32_t count, TaskFn task, void* context) override {
    std::vector<uint32_t> order(count);
    for (uint32_t i = 0; i < count; ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random_);
    for (const uint32_t index : order) {
      const uint32_t worker = pick(random_, 0, units_ - 1);
      std::memset(scratch_[worker].data(), 0xff, workspace_ + 64);
      task(context, index, worker);
      for (size_t i = 0; i < 64; ++i) {
        REQUIRE(scratch_[worker].data()[workspace_ + i] == std::byte{0xff});
      }
    }
  }

 private:
  uint32_t units_;
  size_t workspace_;
  Random random_;
  std::vector<AlignedBytes> scratch_;
};

// Launches one kernel on a lane of `units` workers.
inline void launch(Isa isa, nf::OpKind kind, const nf::OpShape& shape, const nf::OpArgs& args,
                   uint32_t units = 1, nf::DType weight = nf::DType::kPlain) {
  const nf::Kernel& kernel = kernel_of(isa, kind, weight);
  REQUIRE(kernel.supports(shape));
  ShuffledLane lane(units, kernel.workspace(shape), seed() + units);
  kernel.launch(args, lane);
}

}  // namespace test
