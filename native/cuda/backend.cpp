#include "cuda/backend.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/check.h"
#include "core/program.h"
#include "cuda/attention_work.h"
#include "cuda/errors.h"
#include "cuda/kernel_table.h"
#include "cuda/kv_page.h"
#include "cuda/libraries.h"
#include "cuda/open.h"
#include "cuda/pack.h"
#include "cuda/partition.h"
#include "cuda/tuning.h"

namespace nf::cuda {

namespace {

// Scaled plan ranges end on a whole tile of the tensor cores.
constexpr uint32_t kRowTile = 16;

RuntimeOptions runtime_options(const nf_engine_options& options) {
  RuntimeOptions result;
  result.device_index = options.device_index;
  result.batch_invariant = (options.flags & NF_ENGINE_BATCH_INVARIANT) != 0;
  if (options.cache_folder != nullptr) result.cache_folder = options.cache_folder;
  return result;
}

DType operand_of(const nf_engine_options& options) {
  const uint32_t dtype = options.operand_dtype;
  NF_CHECK(dtype == 0 || dtype == NF_DTYPE_BF16 || dtype == NF_DTYPE_F16, NF_INVALID_ARGUMENT,
           "options: operand_dtype = " + std::to_string(dtype) + ", allowed 0, f16 (2), bf16 (3)");
  return dtype == NF_DTYPE_F16 ? DType::kF16 : DType::kBF16;
}

// Kernels of one op round differently, and with a plan that names others a row's bits would depend
// on the rows beside it.
void check_default_kernels(const Program& program) {
  for (const BoundNanoOp& bound : program.nano_ops()) {
    NF_CHECK(bound.nano.kernel == 0, NF_INVALID_PLAN,
             "op " + bound.op->name + " has kernel " + std::to_string(bound.nano.kernel) +
                 ", and batch-invariant engines run the default kernels only");
  }
}

template <size_t size>
void copy_text(char (&target)[size], const std::string& text) {
  std::snprintf(target, size, "%s", text.c_str());
}

}  // namespace

CudaBackend::CudaBackend(const nf_engine_options& options)
    : runtime_(runtime_options(options)), operand_(operand_of(options)) {
  describe(options);
}

CudaBackend::~CudaBackend() { runner_.reset(); }

void CudaBackend::describe(const nf_engine_options& options) {
  const DeviceFacts& device = runtime_.device();
  info_.struct_size = sizeof(info_);
  info_.device_kind = NF_DEVICE_CUDA;
  info_.num_units = device.num_units;
  info_.row_tile = kRowTile;
  info_.unit_step = device.unit_step;
  info_.memory_total = device.memory_total;
  info_.memory_free = device.memory_free;
  info_.flags = NF_DEVICE_MAY_EXCEED_UNITS;
  if (hard_split_works(device.index, device.unit_step)) {
    info_.flags |= NF_DEVICE_DISJOINT_PARTITIONS;
  }
  const bool invariant = (options.flags & NF_ENGINE_BATCH_INVARIANT) != 0;
  copy_text(info_.name, "cuda");
  copy_text(info_.isa, device.isa() + (operand_ == DType::kF16 ? " fp16" : " bf16") +
                           (invariant ? " invariant" : ""));
  copy_text(info_.reason, "compute capability " + std::to_string(device.major) + "." +
                              std::to_string(device.minor) + ", driver for CUDA " +
                              version_text(device.driver_version));
  copy_text(info_.processor, device.name);
  copy_text(info_.libraries, cublaslt_state().text + "; " + nccl_state().text);
}

std::span<const Kernel> CudaBackend::kernels() const {
  return kernel_table(runtime_.device(), operand_);
}

std::byte* CudaBackend::allocate(size_t bytes, const char* what) {
  runtime_.use();
  return memory_.allocate(bytes, what);
}

MirroredMemory CudaBackend::allocate_mirrored(size_t bytes, const char* what) {
  runtime_.use();
  return {memory_.allocate_pinned(bytes, what), memory_.allocate(bytes, what)};
}

// Pinned memory has the same address on the device.
std::byte* CudaBackend::allocate_results(size_t bytes, const char* what) {
  runtime_.use();
  return memory_.allocate_pinned(bytes, what);
}

void CudaBackend::write(std::byte* target, const void* source, size_t bytes) {
  runtime_.use();
  check(cudaMemcpy(target, source, bytes, cudaMemcpyHostToDevice), "copying to the device");
  // What comes from pageable memory may still be on its way, and our streams do not wait for it.
  check(cudaStreamSynchronize(nullptr), "copying to the device");
}

void CudaBackend::read(void* target, const std::byte* source, size_t bytes) {
  runtime_.use();
  check(cudaMemcpy(target, source, bytes, cudaMemcpyDeviceToHost), "copying from the device");
}

size_t CudaBackend::matrix_bytes(uint32_t out, uint32_t in, DType format) const {
  NF_ASSERT(format == DType::kPlain);
  return cuda::matrix_bytes(out, in);
}

size_t CudaBackend::kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads,
                                  uint32_t head_dim) const {
  return KvPage{page_tokens, kv_heads, head_dim}.bytes();
}

void CudaBackend::pack_matrix(const PackSpec& spec, const void* source, std::byte* packed) {
  NF_ASSERT(uint64_t{spec.first_out} + spec.rows <= spec.out);
  runtime_.use();
  if (!upload_) upload_ = std::make_unique<Upload>();
  const size_t row_bytes = size_t{spec.in} * sizeof(uint16_t);
  upload_->rows(packed + spec.first_out * row_bytes, row_bytes, spec.rows,
                [&](size_t first, size_t count, std::byte* buffer) {
                  for (size_t i = 0; i < count; ++i) {
                    const auto row = static_cast<uint32_t>(first + i);
                    convert_row(spec, source, paired_row(row, spec.paired_rows), operand_,
                                buffer + i * row_bytes);
                  }
                });
}

// Weights are loaded before the first program is made.
void CudaBackend::finish_upload() {
  if (!upload_) return;
  upload_->finish();
  upload_.reset();
}

std::shared_ptr<Lane> CudaBackend::open_lane(const LaneSpec& spec) {
  runtime_.use();
  std::erase_if(lanes_, [](const auto& lane) { return lane.expired(); });
  for (const auto& known : lanes_) {
    const std::shared_ptr<CudaLane> lane = known.lock();
    if (!lane->spec().names_same_lane(spec)) continue;
    NF_ASSERT(lane->spec().scratch_bytes >= spec.scratch_bytes);
    return lane;
  }
  auto lane = std::make_shared<CudaLane>(runtime_, spec);
  lanes_.push_back(lane);
  return lane;
}

// Few sizes, so that few graphs serve all steps; none wastes more than a seventh of its rows but
// the smallest.
uint32_t CudaBackend::launch_rows(uint32_t decode_rows) const {
  uint32_t step = 1;
  while (step * 8 < decode_rows) step *= 2;
  if (decode_rows <= 8) {
    while (step < decode_rows) step *= 2;
    return step;
  }
  return (decode_rows + step - 1) / step * step;
}

void CudaBackend::cut_attention(const Batch& batch, uint32_t num_kv_heads, uint32_t* first_part,
                                uint32_t* first_tile) const {
  fill_parts(batch, num_kv_heads, runtime_.device().num_units, first_part);
  fill_tiles(batch, first_tile);
}

std::unique_ptr<Signals> CudaBackend::make_signals(uint32_t count) {
  runtime_.use();
  if (!runner_) runner_ = std::make_unique<StepRunner>(runtime_);
  return std::make_unique<EventSignals>(count, runner_->epoch());
}

void CudaBackend::prepare(Program& program) {
  runtime_.use();
  finish_upload();
  if (runtime_.gemm_algorithms().batch_invariant()) check_default_kernels(program);
  tune_products(program, runtime_);
}

void CudaBackend::run(StepState& step) {
  finish_upload();
  runner_->post(step);
}

std::unique_ptr<Backend> open_backend(const nf_engine_options& options) {
  return std::make_unique<CudaBackend>(options);
}

}  // namespace nf::cuda
