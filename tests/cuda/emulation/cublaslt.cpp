// cuBLASLt as far as the CUDA backend uses it: D = alpha * op(A) * op(B) + beta * C (+ bias), as a
// plain product with sums in fp32, queued on the stream. Two algorithms are offered: one sums k in
// a single run, the other in two halves that meet in the workspace. They differ in the last bits.
#include <cublasLt.h>

#include <cstring>
#include <memory>
#include <utility>

#include "emulation/gemm.h"
#include "emulation/queue.h"

struct cublasLtContext {
  uint64_t alive;
};

namespace emulation {
namespace {

constexpr uint64_t kAlive = 0x6375626c61734c74;
constexpr uint64_t kAlgorithm = 0x616c676f;

static_assert(sizeof(Layout) <= sizeof(cublasLtMatrixLayoutOpaque_t));
static_assert(sizeof(GemmDescription) <= sizeof(cublasLtMatmulDescOpaque_t));

struct Algorithm {
  uint64_t magic;
  uint64_t split;  // parts of k
};

template <typename Content, typename Opaque>
Content read(const Opaque* opaque) {
  Content content;
  std::memcpy(&content, opaque, sizeof(content));
  return content;
}

template <typename Opaque, typename Content>
void write(Opaque* opaque, const Content& content) {
  std::memcpy(opaque, &content, sizeof(content));
}

template <typename T>
cublasStatus_t set(T* field, const void* value, size_t bytes) {
  if (value == nullptr || bytes != sizeof(T)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(field, value, sizeof(T));
  return CUBLAS_STATUS_SUCCESS;
}

Gemm gemm_of(cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
             cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d) {
  Gemm gemm{};
  gemm.description = read<GemmDescription>(description);
  gemm.a_layout = read<Layout>(a);
  gemm.b_layout = read<Layout>(b);
  gemm.c_layout = read<Layout>(c);
  gemm.d_layout = read<Layout>(d);
  gemm.split = 1;
  return gemm;
}

bool alive(cublasLtHandle_t handle) { return handle != nullptr && handle->alive == kAlive; }

cublasLtMatmulHeuristicResult_t result_of(const Gemm& gemm) {
  cublasLtMatmulHeuristicResult_t result{};
  write(&result.algo, Algorithm{kAlgorithm, gemm.split});
  result.workspaceSize = gemm.workspace_bytes();
  result.state = CUBLAS_STATUS_SUCCESS;
  result.wavesCount = 1;
  return result;
}

}  // namespace
}  // namespace emulation

using emulation::Algorithm;
using emulation::Gemm;
using emulation::GemmDescription;
using emulation::Layout;

size_t cublasLtGetVersion() { return 120405; }

const char* cublasLtGetStatusName(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS ? "CUBLAS_STATUS_SUCCESS" : "CUBLAS_STATUS (emulated)";
}
const char* cublasLtGetStatusString(cublasStatus_t status) { return cublasLtGetStatusName(status); }

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = new cublasLtContext{emulation::kAlive};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  if (!emulation::alive(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t stride) {
  *layout = new cublasLtMatrixLayoutOpaque_t{};
  emulation::write(*layout, Layout{type, CUBLASLT_ORDER_COL, rows, columns, stride, 1});
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                const void* value, size_t bytes) {
  if (layout == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  auto content = emulation::read<Layout>(layout);
  cublasStatus_t status = CUBLAS_STATUS_NOT_SUPPORTED;
  switch (attribute) {
    case CUBLASLT_MATRIX_LAYOUT_TYPE:
      status = emulation::set(&content.type, value, bytes);
      break;
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      status = emulation::set(&content.order, value, bytes);
      break;
    case CUBLASLT_MATRIX_LAYOUT_ROWS:
      status = emulation::set(&content.rows, value, bytes);
      break;
    case CUBLASLT_MATRIX_LAYOUT_COLS:
      status = emulation::set(&content.columns, value, bytes);
      break;
    case CUBLASLT_MATRIX_LAYOUT_LD:
      status = emulation::set(&content.stride, value, bytes);
      break;
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      status = emulation::set(&content.batch, value, bytes);
      break;
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
      break;
  }
  emulation::write(layout, content);
  return status;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* description,
                                        cublasComputeType_t compute, cudaDataType_t scale) {
  *description = new cublasLtMatmulDescOpaque_t{};
  emulation::write(*description, GemmDescription{compute,
                                                 scale,
                                                 {CUBLAS_OP_N, CUBLAS_OP_N, CUBLAS_OP_N},
                                                 CUBLASLT_EPILOGUE_DEFAULT,
                                                 nullptr,
                                                 -1,
                                                 0});
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) {
  delete description;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t description,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, size_t bytes) {
  if (description == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  auto content = emulation::read<GemmDescription>(description);
  cublasStatus_t status = CUBLAS_STATUS_NOT_SUPPORTED;
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_COMPUTE_TYPE:
      status = emulation::set(&content.compute, value, bytes);
      break;
    case CUBLASLT_MATMUL_DESC_SCALE_TYPE:
      status = emulation::set(&content.scale, value, bytes);
      break;
    case CUBLASLT_MATMUL_DESC_TRANSA:
      status = emulation::set(&content.transpose[0], value, bytes);
      break;
    case CUBLASLT_MATMUL_DESC_TRANSB:
      status = emulation::set(&content.transpose[1], value, bytes);
      break;
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      status = emulation::set(&content.epilogue, value, bytes);
      break;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      status = emulation::set(&content.bias, value, bytes);
      break;
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      status = emulation::set(&content.bias_type, value, bytes);
      break;
    case CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET:
      status = emulation::set(&content.unit_target, value, bytes);
      break;
    case CUBLASLT_MATMUL_DESC_POINTER_MODE:  // alpha and beta in the host's memory: the only mode
    case CUBLASLT_MATMUL_DESC_TRANSC:
      break;
  }
  emulation::write(description, content);
  return status;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  *preference = new cublasLtMatmulPreferenceOpaque_t{};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, size_t bytes) {
  if (preference == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) {
    return emulation::set(&preference->data[0], value, bytes);
  }
  if (attribute == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) {
    uint32_t mask = 0;
    const cublasStatus_t status = emulation::set(&mask, value, bytes);
    preference->data[1] = mask == CUBLASLT_REDUCTION_SCHEME_NONE;  // no split of k
    return status;
  }
  return value != nullptr && bytes == 4 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle,
                                              cublasLtMatmulDesc_t description,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* returned) {
  if (!emulation::alive(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  *returned = 0;
  if (requested <= 0 || preference == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  Gemm gemm = emulation::gemm_of(description, a, b, c, d);
  if (!gemm.supported()) return CUBLAS_STATUS_NOT_SUPPORTED;
  gemm.split = 2;
  if (preference->data[1] == 0 && gemm.workspace_bytes() <= preference->data[0] &&
      gemm.depth() >= 2 && requested > 0) {
    results[(*returned)++] = emulation::result_of(gemm);
  }
  gemm.split = 1;
  if (*returned < requested) results[(*returned)++] = emulation::result_of(gemm);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                                       cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                       cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                       const cublasLtMatmulAlgo_t* algo,
                                       cublasLtMatmulHeuristicResult_t* result) {
  if (!emulation::alive(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  const auto algorithm = emulation::read<Algorithm>(algo);
  if (algorithm.magic != emulation::kAlgorithm) return CUBLAS_STATUS_INVALID_VALUE;
  Gemm gemm = emulation::gemm_of(description, a, b, c, d);
  if (!gemm.supported()) return CUBLAS_STATUS_NOT_SUPPORTED;
  gemm.split = algorithm.split;
  *result = emulation::result_of(gemm);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t* algo,
                                                    cublasLtMatmulAlgoConfigAttributes_t attribute,
                                                    void* value, size_t bytes, size_t* written) {
  const auto algorithm = emulation::read<Algorithm>(algo);
  if (algorithm.magic != emulation::kAlgorithm || bytes != 4) return CUBLAS_STATUS_INVALID_VALUE;
  const auto split = static_cast<int32_t>(algorithm.split);
  const int32_t answer =
      attribute == CUBLASLT_ALGO_CONFIG_SPLITK_NUM ? split
      : attribute == CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME
          ? (split == 1 ? CUBLASLT_REDUCTION_SCHEME_NONE : CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE)
          : split;
  std::memcpy(value, &answer, sizeof(answer));
  if (written != nullptr) *written = sizeof(answer);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                              const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout,
                              const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                              const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo,
                              void* workspace, size_t workspace_bytes, cudaStream_t stream) {
  if (!emulation::alive(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  Gemm gemm = emulation::gemm_of(description, a_layout, b_layout, c_layout, d_layout);
  if (!gemm.supported()) return CUBLAS_STATUS_NOT_SUPPORTED;
  gemm.split = 1;
  if (algo != nullptr) {
    const auto algorithm = emulation::read<Algorithm>(algo);
    if (algorithm.magic != emulation::kAlgorithm) return CUBLAS_STATUS_INVALID_VALUE;
    gemm.split = algorithm.split;
  }
  const bool bias = gemm.description.epilogue == CUBLASLT_EPILOGUE_BIAS;
  gemm.alpha = *static_cast<const float*>(alpha);
  gemm.beta = *static_cast<const float*>(beta);
  if (a == nullptr || b == nullptr || d == nullptr || (gemm.beta != 0 && c == nullptr) ||
      (bias && gemm.description.bias == nullptr) || workspace_bytes < gemm.workspace_bytes() ||
      (gemm.workspace_bytes() != 0 && reinterpret_cast<uintptr_t>(workspace) % 256 != 0)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  gemm.a = a;
  gemm.b = b;
  gemm.c = c;
  gemm.d = d;
  gemm.workspace = static_cast<char*>(workspace);
  emulation::Device& device = emulation::Device::get();
  const cudaError_t status = device.call([&](emulation::Device::Lock& lock) {
    return device.add(lock, stream,
                      std::make_shared<emulation::Work>(
                          emulation::Work{emulation::Work::kKernel, 10, [gemm] { gemm.run(); }}));
  });
  return status == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
