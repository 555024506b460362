#include "reference/backend.h"

#include <cstdio>

#include "platform/processor.h"
#include "reference/kernel_table.h"
#include "reference/pack.h"

namespace nf::reference {

ReferenceBackend::ReferenceBackend() {
  info_.struct_size = sizeof(info_);
  info_.device_kind = NF_DEVICE_REFERENCE;
  info_.num_units = 64;  // any plan is welcome: its lanes are walked one after the other
  info_.row_tile = 1;
  info_.flags = NF_DEVICE_DISJOINT_PARTITIONS;
  info_.unit_step = 1;
  std::snprintf(info_.name, sizeof(info_.name), "reference");
  std::snprintf(info_.isa, sizeof(info_.isa), "fp32");
  std::snprintf(info_.reason, sizeof(info_.reason), "plain loops on one thread, for comparison");
  std::snprintf(info_.processor, sizeof(info_.processor), "%s", processor_name().c_str());
}

std::span<const Kernel> ReferenceBackend::kernels() const { return kernel_table(); }

std::byte* ReferenceBackend::allocate(size_t bytes, const char* what) {
  return memory_.allocate(bytes, what);
}

DType ReferenceBackend::packed_format(DType stored) const {
  return reference::packed_format(stored);
}

size_t ReferenceBackend::matrix_bytes(uint32_t out, uint32_t in, DType format) const {
  return reference::matrix_bytes(out, in, format);
}

size_t ReferenceBackend::kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads,
                                       uint32_t head_dim) const {
  return reference::kv_page_bytes(page_tokens, kv_heads, head_dim);
}

void ReferenceBackend::pack_matrix(const PackSpec& spec, const void* source, std::byte* packed) {
  reference::pack_matrix(spec, source, packed);
}

std::shared_ptr<Lane> ReferenceBackend::open_lane(const LaneSpec& spec) {
  if (spec.scratch_bytes > lane_->scratch_bytes_) {
    lane_->scratch_ = memory_.allocate(spec.scratch_bytes, "kernel scratch");
    lane_->scratch_bytes_ = spec.scratch_bytes;
  }
  if (!thread_) thread_ = std::make_unique<StepThread>([] {});
  return lane_;
}

void ReferenceBackend::run(StepState& step) {
  step.lanes_left.store(1, std::memory_order_relaxed);
  thread_->post(step, kAllLanes);
}

}  // namespace nf::reference
