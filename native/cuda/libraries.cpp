#include "cuda/libraries.h"

#include <cuda_runtime.h>

#include <vector>

#include "core/check.h"
#include "cuda/shared_library.h"

namespace nf::cuda {
namespace {

#if defined(NF_CUDA_EMULATION)

// The emulation has the functions itself.
struct CublasLtFile {
  std::string path() const { return "emulation"; }
};
#define NF_FUNCTION(name) &::cublasLt##name

#else

// A library of CUDA 13 needs a driver for it; one of 12 runs on both.
std::vector<const char*> cublaslt_sonames() {
  int version = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess) cudaGetLastError();
  if (version >= 13000) return {"libcublasLt.so.13", "libcublasLt.so.12"};
  return {"libcublasLt.so.12", "libcublasLt.so.13"};
}

struct CublasLtFile : SharedLibrary {
  CublasLtFile() : SharedLibrary({"cuBLASLt", "NANOFLOW_CUBLASLT", cublaslt_sonames()}) {}
};
#define NF_FUNCTION(name) \
  reinterpret_cast<decltype(&::cublasLt##name)>(file.symbol("cublasLt" #name))

#endif

struct LoadedCublasLt {
  CublasLtFile file;
  CublasLt functions{
      NF_FUNCTION(GetVersion),
      NF_FUNCTION(Create),
      NF_FUNCTION(Destroy),
      NF_FUNCTION(Matmul),
      NF_FUNCTION(MatmulDescCreate),
      NF_FUNCTION(MatmulDescDestroy),
      NF_FUNCTION(MatmulDescSetAttribute),
      NF_FUNCTION(MatrixLayoutCreate),
      NF_FUNCTION(MatrixLayoutDestroy),
      NF_FUNCTION(MatrixLayoutSetAttribute),
      NF_FUNCTION(MatmulPreferenceCreate),
      NF_FUNCTION(MatmulPreferenceDestroy),
      NF_FUNCTION(MatmulPreferenceSetAttribute),
      NF_FUNCTION(MatmulAlgoGetHeuristic),
      NF_FUNCTION(MatmulAlgoCheck),
      NF_FUNCTION(MatmulAlgoConfigGetAttribute),
  };
};
#undef NF_FUNCTION

const LoadedCublasLt& loaded_cublaslt() {
  static const LoadedCublasLt loaded;
  return loaded;
}

}  // namespace

const CublasLt& cublaslt() { return loaded_cublaslt().functions; }

std::string version_text(size_t version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

LibraryState cublaslt_state() {
  try {
    const LoadedCublasLt& loaded = loaded_cublaslt();
    return {true, version_text(loaded.functions.GetVersion()) + " (" + loaded.file.path() + ")"};
  } catch (const Error& error) {
    return {false, error.what()};
  }
}

LibraryState nccl_state() {
  try {
    const SharedLibrary library({"NCCL", "NANOFLOW_NCCL", {"libnccl.so.2"}});
    // Declared here: its header is not part of the toolkit.
    const auto get_version =
        reinterpret_cast<int (*)(int* version)>(library.symbol("ncclGetVersion"));
    int version = 0;
    NF_CHECK(get_version(&version) == 0, NF_UNSUPPORTED, library.path() + " does not work");
    return {true, version_text(size_t(version)) + " (" + library.path() + ")"};
  } catch (const Error& error) {
    return {false, error.what()};
  }
}

}  // namespace nf::cuda
