// How libraries are looked for, and what is said of them.
#include "cuda/libraries.h"

#include <cstdlib>

#include "check.h"
#include "core/check.h"
#include "cuda/shared_library.h"

namespace {

std::string message_of(const nf::cuda::LibraryNames& names) {
  try {
    nf::cuda::SharedLibrary library(names);
    return {};
  } catch (const nf::Error& error) {
    CHECK(error.status() == NF_UNSUPPORTED);
    return error.what();
  }
}

bool mentions(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST("cuda: a library that is missing says where it was looked for and what to do") {
  unsetenv("NANOFLOW_TEST_LIBRARY");
  setenv("NANOFLOW_CUDA_LIBRARIES", "/nowhere/one::/nowhere/two", 1);
  const nf::cuda::LibraryNames names{
      "A library", "NANOFLOW_TEST_LIBRARY", {"libnanoflow-none.so.13", "libnanoflow-none.so.12"}};
  const std::string message = message_of(names);
  for (const char* part :
       {"A library was not found", "libnanoflow-none.so.13 or libnanoflow-none.so.12",
        "/nowhere/one, /nowhere/two, the loader's path", "NANOFLOW_TEST_LIBRARY",
        "NANOFLOW_CUDA_LIBRARIES"}) {
    if (!mentions(message, part)) FAIL(message + " does not mention " + part);
  }
  setenv("NANOFLOW_TEST_LIBRARY", "/nowhere/file.so", 1);
  CHECK(mentions(message_of(names), "/nowhere/file.so"));
  unsetenv("NANOFLOW_TEST_LIBRARY");
  unsetenv("NANOFLOW_CUDA_LIBRARIES");
}

TEST("cuda: a library is loaded by its name or from the file that the environment names") {
  const nf::cuda::LibraryNames names{
      "The C library", "NANOFLOW_TEST_LIBRARY", {"libnanoflow-none.so", "libc.so.6"}};
  const nf::cuda::SharedLibrary library(names);
  CHECK_EQ(library.path(), "libc.so.6");
  CHECK(library.symbol("getpid") != nullptr);
  try {
    library.symbol("no_such_function");
    FAIL("a function that does not exist was found");
  } catch (const nf::Error& error) {
    CHECK(mentions(error.what(), "no_such_function"));
  }
  setenv("NANOFLOW_TEST_LIBRARY", "libm.so.6", 1);
  CHECK_EQ(nf::cuda::SharedLibrary(names).path(), "libm.so.6");
  unsetenv("NANOFLOW_TEST_LIBRARY");
}

TEST("cuda: versions of libraries are told as people write them") {
  CHECK_EQ(nf::cuda::version_text(120405), "12.4.5");
  CHECK_EQ(nf::cuda::version_text(130000), "13.0.0");
  CHECK(nf::cuda::cublaslt_state().found);
}
