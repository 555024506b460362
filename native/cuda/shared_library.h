// Looks for a library of the system when it is needed first, so that the program starts without it.
#pragma once

#include <string>
#include <vector>

namespace nf::cuda {

// What a library is called and where it may be.
struct LibraryNames {
  const char* title;                 // as people call it
  const char* variable;              // of the environment: names the file itself
  std::vector<const char*> sonames;  // the best one first
};

// Stays loaded as long as the process: code of it may still run when static objects end.
class SharedLibrary {
 public:
  // Looks at the file that the variable names, and nowhere else if there is one; else in the
  // folders of NANOFLOW_CUDA_LIBRARIES (separated by ':'), where the loader looks, and in the usual
  // folders. Throws NF_UNSUPPORTED, naming what was searched and what to do.
  explicit SharedLibrary(const LibraryNames& names);

  // Throws NF_UNSUPPORTED where the library does not have it.
  void* symbol(const char* name) const;
  const std::string& path() const { return path_; }

 private:
  bool open(const std::string& path);

  std::string path_;
  void* handle_ = nullptr;
};

}  // namespace nf::cuda
