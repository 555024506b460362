// Errors inside the native core.
//
// Three kinds, never mixed: a bug (NF_ASSERT: the process stops with the place), an expected
// outcome (a return value), and a broken environment or a bad argument (Error, turned into a status
// at the ABI).
#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "nanoflow.h"

namespace nf {

class Error : public std::runtime_error {
 public:
  Error(nf_status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  nf_status status() const { return status_; }

 private:
  nf_status status_;
};

// static: files of several instruction sets include it, and none may link to another's.
[[noreturn]] static inline void assert_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "nanoflow: assertion failed: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace nf

// Always on: cheap, and a wrong index must never reach memory.
#define NF_ASSERT(condition) \
  ((condition) ? void(0) : ::nf::assert_failed(#condition, __FILE__, __LINE__))

// For arguments from outside: message is any expression that converts to std::string.
#define NF_CHECK(condition, status, message)                  \
  do {                                                        \
    if (!(condition)) throw ::nf::Error((status), (message)); \
  } while (false)
