#include "cuda/shared_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <sstream>

#include "core/check.h"

namespace nf::cuda {
namespace {

constexpr const char* kFoldersVariable = "NANOFLOW_CUDA_LIBRARIES";
constexpr const char* kUsualFolders[] = {"/usr/local/cuda/lib64", "/opt/cuda/lib64"};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

// Where sonames are looked for, in order; "" is what the loader does with a bare name.
std::vector<std::string> folders() {
  std::vector<std::string> result;
  std::istringstream named(environment(kFoldersVariable));
  for (std::string folder; std::getline(named, folder, ':');) {
    if (!folder.empty()) result.push_back(folder);
  }
  result.emplace_back();
  result.insert(result.end(), std::begin(kUsualFolders), std::end(kUsualFolders));
  return result;
}

std::string not_found(const LibraryNames& names) {
  std::string message = std::string(names.title) + " was not found: there is no ";
  for (size_t i = 0; i < names.sonames.size(); ++i) {
    message += (i == 0 ? "" : " or ") + std::string(names.sonames[i]);
  }
  const char* separator = " in ";
  for (const std::string& folder : folders()) {
    message += separator + (folder.empty() ? std::string("the loader's path") : folder);
    separator = ", ";
  }
  return message + ". Install it, or set " + names.variable + " to its file, or " +
         kFoldersVariable + " to the folders to look in.";
}

}  // namespace

SharedLibrary::SharedLibrary(const LibraryNames& names) {
  const std::string file = environment(names.variable);
  if (!file.empty()) {
    if (open(file)) return;
    const char* reason = dlerror();
    throw Error(NF_UNSUPPORTED, std::string(names.title) + " cannot be loaded from the file that " +
                                    names.variable +
                                    " names: " + (reason == nullptr ? file.c_str() : reason));
  }
  for (const std::string& folder : folders()) {
    for (const char* soname : names.sonames) {
      if (open(folder.empty() ? soname : folder + "/" + soname)) return;
    }
  }
  throw Error(NF_UNSUPPORTED, not_found(names));
}

bool SharedLibrary::open(const std::string& path) {
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  path_ = path;
  return handle_ != nullptr;
}

void* SharedLibrary::symbol(const char* name) const {
  void* address = dlsym(handle_, name);
  NF_CHECK(address != nullptr, NF_UNSUPPORTED,
           path_ + " has no " + name + ": another version of the library is needed");
  return address;
}

}  // namespace nf::cuda
