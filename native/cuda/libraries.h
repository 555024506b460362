// cuBLASLt and NCCL, loaded when they are needed first: the same program starts without them.
//
// The headers of CUDA 12.4 are compiled against, libraries of CUDA 12 and 13 are loaded. The opaque
// descriptors differ in size between them, so only functions that allocate (*Create) are used.
#pragma once

#include <cublasLt.h>

#include <string>

namespace nf::cuda {

// The functions of cuBLASLt that we call, by their names without the prefix.
struct CublasLt {
  decltype(&::cublasLtGetVersion) GetVersion;
  decltype(&::cublasLtCreate) Create;
  decltype(&::cublasLtDestroy) Destroy;
  decltype(&::cublasLtMatmul) Matmul;
  decltype(&::cublasLtMatmulDescCreate) MatmulDescCreate;
  decltype(&::cublasLtMatmulDescDestroy) MatmulDescDestroy;
  decltype(&::cublasLtMatmulDescSetAttribute) MatmulDescSetAttribute;
  decltype(&::cublasLtMatrixLayoutCreate) MatrixLayoutCreate;
  decltype(&::cublasLtMatrixLayoutDestroy) MatrixLayoutDestroy;
  decltype(&::cublasLtMatrixLayoutSetAttribute) MatrixLayoutSetAttribute;
  decltype(&::cublasLtMatmulPreferenceCreate) MatmulPreferenceCreate;
  decltype(&::cublasLtMatmulPreferenceDestroy) MatmulPreferenceDestroy;
  decltype(&::cublasLtMatmulPreferenceSetAttribute) MatmulPreferenceSetAttribute;
  decltype(&::cublasLtMatmulAlgoGetHeuristic) MatmulAlgoGetHeuristic;
  decltype(&::cublasLtMatmulAlgoCheck) MatmulAlgoCheck;
  decltype(&::cublasLtMatmulAlgoConfigGetAttribute) MatmulAlgoConfigGetAttribute;
};

// Loads the library at the first call; any thread. Throws NF_UNSUPPORTED, naming what was searched
// and what to do.
const CublasLt& cublaslt();

// "12.4.5": of the loaded library.
std::string version_text(size_t version);

// What there is to say about a library without needing it: its version and file, or why there is
// none.
struct LibraryState {
  bool found;
  std::string text;
};
LibraryState cublaslt_state();
LibraryState nccl_state();

}  // namespace nf::cuda
