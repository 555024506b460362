#include "cpu/backend.h"

#include <cstdio>

#include "core/check.h"
#include "cpu/kernel_table.h"
#include "cpu/pack.h"
#include "platform/processor.h"

namespace nf::cpu {

namespace {

// Rows of the GEMM micro-kernels: a scaled plan range ends on a full tile.
constexpr uint32_t kRowTile = 12;

}  // namespace

CpuBackend::CpuBackend(uint32_t num_threads, IsaChoice isa) : isa_(isa) {
  info_.struct_size = sizeof(info_);
  info_.device_kind = NF_DEVICE_CPU;
  info_.num_units = num_threads;
  info_.row_tile = kRowTile;
  info_.flags = NF_DEVICE_DISJOINT_PARTITIONS;
  info_.unit_step = 1;
  std::snprintf(info_.name, sizeof(info_.name), "cpu");
  std::snprintf(info_.isa, sizeof(info_.isa), "%s", isa_name(isa.isa));
  std::snprintf(info_.reason, sizeof(info_.reason), "%s", isa.reason);
  std::snprintf(info_.processor, sizeof(info_.processor), "%s", processor_name().c_str());
}

std::span<const Kernel> CpuBackend::kernels() const { return kernel_table(isa_.isa); }

std::byte* CpuBackend::allocate(size_t bytes, const char* what) {
  return memory_.allocate(bytes, what);
}

DType CpuBackend::packed_format(DType stored) const { return cpu::packed_format(stored); }

size_t CpuBackend::matrix_bytes(uint32_t out, uint32_t in, DType format) const {
  return cpu::matrix_bytes(out, in, format);
}

size_t CpuBackend::kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim) const {
  return cpu::kv_page_bytes(page_tokens, kv_heads, head_dim);
}

void CpuBackend::pack_matrix(const PackSpec& spec, const void* source, std::byte* packed) {
  cpu::pack_matrix(spec, source, packed, info_.num_units);
}

std::shared_ptr<Lane> CpuBackend::open_lane(const LaneSpec& spec) {
  std::erase_if(lanes_, [](const auto& lane) { return lane.expired(); });
  for (const auto& known : lanes_) {
    const std::shared_ptr<CpuLane> lane = known.lock();
    if (!lane->spec().names_same_lane(spec)) continue;
    NF_ASSERT(lane->spec().scratch_bytes >= spec.scratch_bytes);
    return lane;
  }
  auto lane = std::make_shared<CpuLane>(spec);
  lanes_.push_back(lane);
  return lane;
}

void CpuBackend::run(StepState& step) {
  const uint32_t lanes = step.program->num_lanes();
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    static_cast<CpuLane&>(step.program->lane(lane)).post(step, lane);
  }
}

}  // namespace nf::cpu
