#include "cuda/lt_product.h"

#include <string>

#include "core/check.h"

namespace nf::cuda {
namespace {

void check(cublasStatus_t status, const char* what) {
  NF_CHECK(status == CUBLAS_STATUS_SUCCESS, NF_INTERNAL,
           std::string("cuBLASLt cannot ") + what + ": status " + std::to_string(int(status)));
}

cudaDataType_t data_type(DType dtype) {
  if (dtype == DType::kF32) return CUDA_R_32F;
  return dtype == DType::kF16 ? CUDA_R_16F : CUDA_R_16BF;
}

// Rows of a range may begin anywhere: what is aligned is their pitch, and no more is promised.
constexpr uint32_t kAlignment = 16;

uint32_t alignment(uint64_t pitch_bytes) {
  uint32_t result = kAlignment;
  while (pitch_bytes % result != 0) result /= 2;
  return result;
}

bool sums_in_one_go(const cublasLtMatmulAlgo_t& algorithm) {
  const CublasLt& lt = cublaslt();
  int32_t parts = 0;
  uint32_t scheme = 0;
  size_t written = 0;
  return lt.MatmulAlgoConfigGetAttribute(&algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &parts,
                                         sizeof(parts), &written) == CUBLAS_STATUS_SUCCESS &&
         lt.MatmulAlgoConfigGetAttribute(&algorithm, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, &scheme,
                                         sizeof(scheme), &written) == CUBLAS_STATUS_SUCCESS &&
         (parts == 0 || parts == 1) && scheme == CUBLASLT_REDUCTION_SCHEME_NONE;
}

class Preference {
 public:
  Preference() { check(lt_.MatmulPreferenceCreate(&preference_), "make a preference"); }
  ~Preference() { lt_.MatmulPreferenceDestroy(preference_); }
  Preference(const Preference&) = delete;
  Preference& operator=(const Preference&) = delete;

  template <typename T>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, T value) {
    check(lt_.MatmulPreferenceSetAttribute(preference_, attribute, &value, sizeof(value)),
          "set a preference");
  }
  cublasLtMatmulPreference_t get() const { return preference_; }

 private:
  const CublasLt& lt_ = cublaslt();
  cublasLtMatmulPreference_t preference_ = nullptr;
};

}  // namespace

LtProduct::LtProduct(cublasLtHandle_t handle, const ProductKind& kind)
    : handle_(handle), kind_(kind) {
  const CublasLt& lt = cublaslt();
  cublasLtMatmulDesc_t product = nullptr;
  check(lt.MatmulDescCreate(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F), "describe a product");
  product_ = {product, {lt.MatmulDescDestroy}};
  set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  if (kind.units != 0) set(CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET, int32_t(kind.units));
  if (kind.bias) {
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, CUDA_R_32F);
    // Until a product runs only the alignment of the address counts.
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, uintptr_t{kAlignment});
  }
  weight_ = make_layout(kind.operand, kind.in, kind.out, kind.in);
  a_ = make_layout(kind.operand, kind.in, 1, kind.in);
  out_ = make_layout(kind.out_dtype, kind.out, 1, kind.stride);
}

template <typename T>
void LtProduct::set(cublasLtMatmulDescAttributes_t attribute, T value) {
  check(cublaslt().MatmulDescSetAttribute(product_.get(), attribute, &value, sizeof(value)),
        "describe a product");
}

LtProduct::Owned<cublasLtMatrixLayout_t> LtProduct::make_layout(DType dtype, uint64_t rows,
                                                                uint64_t columns, int64_t stride) {
  const CublasLt& lt = cublaslt();
  cublasLtMatrixLayout_t layout = nullptr;
  check(lt.MatrixLayoutCreate(&layout, data_type(dtype), rows, columns, stride),
        "describe a matrix");
  return {layout, {lt.MatrixLayoutDestroy}};
}

void LtProduct::set_rows(uint32_t rows) {
  const CublasLt& lt = cublaslt();
  const uint64_t columns = rows;
  for (const cublasLtMatrixLayout_t layout : {a_.get(), out_.get()}) {
    check(
        lt.MatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_COLS, &columns, sizeof(columns)),
        "describe a matrix");
  }
}

std::vector<cublasLtMatmulAlgo_t> LtProduct::candidates(int limit, bool one_order) const {
  const size_t in_bytes = size_t{kind_.in} * size_of(kind_.operand);
  const size_t out_bytes = size_t{kind_.stride} * size_of(kind_.out_dtype);
  Preference preference;
  preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kProductWorkspace);
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(in_bytes));
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(in_bytes));
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(out_bytes));
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(out_bytes));
  if (one_order) {
    preference.set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                   uint32_t{CUBLASLT_REDUCTION_SCHEME_NONE});
  }
  std::vector<cublasLtMatmulHeuristicResult_t> results(static_cast<size_t>(limit));
  int count = 0;
  const cublasStatus_t status = cublaslt().MatmulAlgoGetHeuristic(
      handle_, product_.get(), weight_.get(), a_.get(), out_.get(), out_.get(), preference.get(),
      limit, results.data(), &count);
  std::vector<cublasLtMatmulAlgo_t> algorithms;
  if (status != CUBLAS_STATUS_SUCCESS) return algorithms;
  for (int i = 0; i < count; ++i) {
    const cublasLtMatmulHeuristicResult_t& result = results[static_cast<size_t>(i)];
    if (result.state != CUBLAS_STATUS_SUCCESS) continue;
    if (one_order && !sums_in_one_go(result.algo)) continue;
    algorithms.push_back(result.algo);
  }
  return algorithms;
}

bool LtProduct::can_run(const cublasLtMatmulAlgo_t& algorithm) const {
  cublasLtMatmulHeuristicResult_t result;
  return cublaslt().MatmulAlgoCheck(handle_, product_.get(), weight_.get(), a_.get(), out_.get(),
                                    out_.get(), &algorithm, &result) == CUBLAS_STATUS_SUCCESS &&
         result.workspaceSize <= kProductWorkspace;
}

cublasStatus_t LtProduct::run(const cublasLtMatmulAlgo_t& algorithm, const ProductBuffers& buffers,
                              cudaStream_t stream) {
  const float one = 1;
  const float beta = kind_.residual ? 1.0f : 0.0f;
  if (kind_.bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, buffers.bias);
  const void* added = kind_.residual ? buffers.residual : buffers.out;
  return cublaslt().Matmul(handle_, product_.get(), &one, buffers.weight, weight_.get(), buffers.a,
                           a_.get(), &beta, added, out_.get(), buffers.out, out_.get(), &algorithm,
                           buffers.workspace, kProductWorkspace, stream);
}

}  // namespace nf::cuda
