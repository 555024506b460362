// The emulation of cuBLASLt against plain sums.
#include <cublasLt.h>
#include <cuda_runtime.h>

#include <cmath>
#include <random>
#include <vector>

#include "../native/check.h"
#include "cuda/operand.h"
#include "emulation/device.h"

namespace {

template <typename T>
struct DeviceArray {
  explicit DeviceArray(const std::vector<T>& values) : count(values.size()) {
    REQUIRE(cudaMalloc(&data, count * sizeof(T)) == cudaSuccess);
    REQUIRE(cudaMemcpy(data, values.data(), count * sizeof(T), cudaMemcpyHostToDevice) ==
            cudaSuccess);
  }
  ~DeviceArray() { cudaFree(data); }
  std::vector<T> read() const {
    std::vector<T> values(count);
    REQUIRE(cudaMemcpy(values.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost) ==
            cudaSuccess);
    return values;
  }
  size_t count;
  T* data = nullptr;
};

// y[rows, out] = x[rows, in] * w[out, in]^T + bias, all row-major: in the library's columns that is
// y^T = op(w^T) * x^T.
struct Problem {
  uint64_t rows, out, in;
  std::vector<float> bias;
};

template <typename T>
std::vector<T> random_values(size_t count, std::mt19937_64& random) {
  std::vector<T> values(count);
  for (T& value : values) {
    value = nf::cuda::narrow<T>(static_cast<float>(random() % 2001) / 1000.0f - 1.0f);
  }
  return values;
}

template <typename T>
constexpr cudaDataType data_type() {
  return std::is_same_v<T, float>    ? CUDA_R_32F
         : std::is_same_v<T, __half> ? CUDA_R_16F
                                     : CUDA_R_16BF;
}

template <typename T, typename Result>
class Multiplication {
 public:
  explicit Multiplication(const Problem& problem) : problem_(problem) {
    REQUIRE(cublasLtCreate(&handle_) == CUBLAS_STATUS_SUCCESS);
    const auto in = static_cast<int64_t>(problem.in), out = static_cast<int64_t>(problem.out);
    cublasLtMatrixLayoutCreate(&w_, data_type<T>(), problem.in, problem.out, in);
    cublasLtMatrixLayoutCreate(&x_, data_type<T>(), problem.in, problem.rows, in);
    cublasLtMatrixLayoutCreate(&y_, data_type<Result>(), problem.out, problem.rows, out);
    cublasLtMatmulDescCreate(&description_, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    const cublasOperation_t transpose = CUBLAS_OP_T;
    REQUIRE(set(CUBLASLT_MATMUL_DESC_TRANSA, transpose));
    const int32_t units = 48;
    REQUIRE(set(CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET, units));
    cublasLtMatmulPreferenceCreate(&preference_);
  }
  ~Multiplication() {
    cublasLtMatmulPreferenceDestroy(preference_);
    cublasLtMatmulDescDestroy(description_);
    for (cublasLtMatrixLayout_t layout : {w_, x_, y_}) cublasLtMatrixLayoutDestroy(layout);
    cublasLtDestroy(handle_);
  }
  template <typename Value>
  bool set(cublasLtMatmulDescAttributes_t attribute, const Value& value) {
    return cublasLtMatmulDescSetAttribute(description_, attribute, &value, sizeof(value)) ==
           CUBLAS_STATUS_SUCCESS;
  }
  void add_bias(const Result* bias) {
    const uint32_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    const void* pointer = bias;
    const cudaDataType type = data_type<Result>();
    REQUIRE(set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue));
    REQUIRE(set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, pointer));
    REQUIRE(set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type));
  }
  std::vector<cublasLtMatmulHeuristicResult_t> algorithms(size_t workspace_bytes) {
    const uint64_t most = workspace_bytes;
    cublasLtMatmulPreferenceSetAttribute(preference_, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                         &most, sizeof(most));
    std::vector<cublasLtMatmulHeuristicResult_t> results(8);
    int count = 0;
    REQUIRE(cublasLtMatmulAlgoGetHeuristic(handle_, description_, w_, x_, y_, y_, preference_, 8,
                                           results.data(), &count) == CUBLAS_STATUS_SUCCESS);
    results.resize(static_cast<size_t>(count));
    return results;
  }
  cublasStatus_t run(const T* w, const T* x, Result* y, float beta,
                     const cublasLtMatmulAlgo_t& algorithm, void* workspace, size_t bytes,
                     cudaStream_t stream) {
    const float alpha = 0.5f;
    return cublasLtMatmul(handle_, description_, &alpha, w, w_, x, x_, &beta, y, y_, y, y_,
                          &algorithm, workspace, bytes, stream);
  }

 private:
  Problem problem_;
  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatrixLayout_t w_ = nullptr, x_ = nullptr, y_ = nullptr;
  cublasLtMatmulDesc_t description_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
};

template <typename T, typename Result>
void check_products(bool bias) {
  emulation::reset_device({}, test::seed());
  std::mt19937_64 random(test::seed());
  constexpr uint64_t kRows = 5, kOut = 24, kIn = 40;
  constexpr size_t kWorkspace = 4096;
  const auto w = random_values<T>(kOut * kIn, random), x = random_values<T>(kRows * kIn, random);
  const auto b = random_values<Result>(kOut, random),
             old = random_values<Result>(kRows * kOut, random);
  const DeviceArray<T> device_w(w), device_x(x);
  const DeviceArray<Result> device_b(b);
  const DeviceArray<char> workspace(std::vector<char>(kWorkspace, 0));
  Multiplication<T, Result> product(Problem{kRows, kOut, kIn, {}});
  if (bias) product.add_bias(device_b.data);
  CHECK_EQ(product.algorithms(0).size(), size_t{1});
  const auto algorithms = product.algorithms(kWorkspace);
  CHECK_EQ(algorithms.size(), size_t{2});
  cudaStream_t stream;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  for (const cublasLtMatmulHeuristicResult_t& algorithm : algorithms) {
    const DeviceArray<Result> y(old);
    if (algorithm.workspaceSize != 0) {
      CHECK(product.run(device_w.data, device_x.data, y.data, 2, algorithm.algo, nullptr, 0,
                        stream) == CUBLAS_STATUS_INVALID_VALUE);
    }
    REQUIRE(product.run(device_w.data, device_x.data, y.data, 2, algorithm.algo, workspace.data,
                        kWorkspace, stream) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
    const std::vector<Result> result = y.read();
    for (size_t row = 0; row < kRows; ++row) {
      for (size_t out = 0; out < kOut; ++out) {
        double sum = 0;
        for (size_t in = 0; in < kIn; ++in) {
          sum += double{nf::cuda::widen(w[out * kIn + in])} * nf::cuda::widen(x[row * kIn + in]);
        }
        const size_t at = row * kOut + out;
        const double expected = 0.5 * sum + 2.0 * nf::cuda::widen(old[at]) +
                                (bias ? double{nf::cuda::widen(b[out])} : 0.0);
        const double tolerance = std::is_same_v<Result, float> ? 1e-4 : 0.04;
        CHECK(std::abs(expected - nf::cuda::widen(result[at])) < tolerance);
      }
    }
  }
  REQUIRE(cudaStreamDestroy(stream) == cudaSuccess);
}

TEST("emulated cuBLASLt multiplies bf16 into fp32") { check_products<__nv_bfloat16, float>(false); }
TEST("emulated cuBLASLt multiplies fp16 and adds a bias") { check_products<__half, __half>(true); }
TEST("emulated cuBLASLt multiplies bf16 into bf16") {
  check_products<__nv_bfloat16, __nv_bfloat16>(true);
}

TEST("emulated cuBLASLt refuses what does not fit together") {
  cublasLtHandle_t handle;
  REQUIRE(cublasLtCreate(&handle) == CUBLAS_STATUS_SUCCESS);
  cublasLtMatrixLayout_t a, b, d;
  cublasLtMatrixLayoutCreate(&a, CUDA_R_16BF, 8, 4, 8);
  cublasLtMatrixLayoutCreate(&b, CUDA_R_16BF, 5, 3, 5);  // 4 rows would fit
  cublasLtMatrixLayoutCreate(&d, CUDA_R_32F, 8, 3, 8);
  cublasLtMatmulDesc_t description;
  cublasLtMatmulDescCreate(&description, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  cublasLtMatmulPreference_t preference;
  cublasLtMatmulPreferenceCreate(&preference);
  cublasLtMatmulHeuristicResult_t result;
  int count = 1;
  CHECK(cublasLtMatmulAlgoGetHeuristic(handle, description, a, b, d, d, preference, 1, &result,
                                       &count) == CUBLAS_STATUS_NOT_SUPPORTED);
  CHECK_EQ(count, 0);
  cublasLtMatmulPreferenceDestroy(preference);
  cublasLtMatmulDescDestroy(description);
  for (cublasLtMatrixLayout_t layout : {a, b, d}) cublasLtMatrixLayoutDestroy(layout);
  cublasLtDestroy(handle);
}

}  // namespace
