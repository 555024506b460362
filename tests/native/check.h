// A test runner small enough to read: TEST, CHECK, REQUIRE, SKIP, and a seed per test.
//
//   TEST("rope leaves position zero unchanged") {
//     std::mt19937_64 random(test::seed());
//     CHECK(rotate(x, 0) == x);
//   }
//
// CHECK records a failure and goes on; REQUIRE leaves the test. Both may be used from any thread,
// but REQUIRE and SKIP only on the test's own thread, because they leave it by an exception.
// No package is needed to build the tests, so they run wherever the library builds.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>

namespace test {

// The seed of the running test: derived from --seed and the test's name, printed when it fails.
uint64_t seed();

// The number of random cases to run: `large` under NANOFLOW_TEST_SCALE=large, else `usual`.
int scale(int usual, int large);

struct Registration {
  Registration(const char* name, const char* file, void (*body)());
};

struct Abandoned {};  // thrown by REQUIRE
struct Skipped {
  std::string reason;
};

void fail(const char* file, int line, const std::string& message);
[[noreturn]] void abandon(const char* file, int line, const std::string& message);

template <typename T>
std::string show(const T& value) {
  if constexpr (requires(std::ostream & out) { out << value; }) {
    std::ostringstream out;
    out.precision(17);
    out << value;
    return out.str();
  } else {
    return "(a value that cannot be printed)";
  }
}

template <typename A, typename B>
void check_equal(const A& a, const B& b, const char* text, const char* file, int line) {
  if (!(a == b)) {
    fail(file, line, std::string(text) + ": " + show(a) + " is not " + show(b));
  }
}

}  // namespace test

#define TEST_JOIN2(a, b) a##b
#define TEST_JOIN(a, b) TEST_JOIN2(a, b)
#define TEST(name)                                                \
  static void TEST_JOIN(test_body_, __LINE__)();                  \
  static const test::Registration TEST_JOIN(test_row_, __LINE__)( \
      name, __FILE__, &TEST_JOIN(test_body_, __LINE__));          \
  static void TEST_JOIN(test_body_, __LINE__)()

#define CHECK(condition) \
  ((condition) ? void(0) : test::fail(__FILE__, __LINE__, "CHECK(" #condition ")"))
#define CHECK_EQ(a, b) test::check_equal((a), (b), "CHECK_EQ(" #a ", " #b ")", __FILE__, __LINE__)
#define REQUIRE(condition) \
  ((condition) ? void(0) : test::abandon(__FILE__, __LINE__, "REQUIRE(" #condition ")"))
#define FAIL(message) test::fail(__FILE__, __LINE__, (message))
#define SKIP(reason) \
  throw test::Skipped { reason }
