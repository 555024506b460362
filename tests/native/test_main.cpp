// Runs the registered tests in the order of their files and lines.
//
//   nanoflow_native_tests [--seed N] [--junit FILE] [--list] [words of a test's name]
//
// The last line is "N passed, N failed, N skipped"; the exit status is 0 only when tests ran and
// none failed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "check.h"

namespace test {
namespace {

constexpr int kMaxMessages = 10;  // of one test; a failing check in a loop repeats itself

struct Case {
  const char* name;
  std::string file;
  void (*body)();
};

struct Outcome {
  enum Kind { kPassed, kFailed, kSkipped } kind = kPassed;
  std::string text;  // messages of a failure, reason of a skip
  double seconds = 0;
};

struct Options {
  uint64_t seed = 1;
  std::string junit;
  std::string filter;
  bool list = false;
};

std::vector<Case>& cases() {
  static std::vector<Case> all;  // a function's static: registrations run before main
  return all;
}

std::mutex failures_mutex;
std::vector<std::string> failures;
uint64_t current_seed = 0;

// FNV-1a: gives each test its own seed, so that adding a test does not change the others' inputs.
uint64_t mix(uint64_t seed, const char* name) {
  uint64_t hash = 14695981039346656037ull ^ seed;
  for (; *name != 0; ++name) {
    hash = (hash ^ static_cast<unsigned char>(*name)) * 1099511628211ull;
  }
  return hash;
}

std::string file_name(const char* path) {
  const std::string text(path);
  const size_t slash = text.find_last_of("/\\");
  return slash == std::string::npos ? text : text.substr(slash + 1);
}

std::string join_failures() {
  const std::string indent = "      ";
  std::string text;
  const size_t shown = std::min(failures.size(), size_t{kMaxMessages});
  for (size_t i = 0; i < shown; ++i) {
    text += indent + failures[i] + "\n";
  }
  if (failures.size() > shown) {
    text += indent + "and " + std::to_string(failures.size() - shown) + " more\n";
  }
  return text;
}

Outcome run(const Case& test, uint64_t base_seed) {
  failures.clear();
  current_seed = mix(base_seed, test.name);
  Outcome outcome;
  const auto begin = std::chrono::steady_clock::now();
  try {
    test.body();
  } catch (const Abandoned&) {
  } catch (const Skipped& skipped) {
    outcome.kind = Outcome::kSkipped;
    outcome.text = skipped.reason;
  } catch (const std::exception& error) {
    failures.push_back(std::string("exception: ") + error.what());
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (!failures.empty()) {
    outcome.kind = Outcome::kFailed;
    outcome.text = join_failures();
  }
  return outcome;
}

void print(const Case& test, const Outcome& outcome, uint64_t base_seed) {
  static const char* const kWords[] = {"pass", "FAIL", "skip"};
  std::printf("%s  %s: %s (%.2f s)\n", kWords[outcome.kind], test.file.c_str(), test.name,
              outcome.seconds);
  if (outcome.kind == Outcome::kSkipped) {
    std::printf("      %s\n", outcome.text.c_str());
  } else if (outcome.kind == Outcome::kFailed) {
    std::printf("%s      again: --seed %llu \"%s\"\n", outcome.text.c_str(),
                static_cast<unsigned long long>(base_seed), test.name);
  }
  std::fflush(stdout);
}

std::string xml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out;
}

bool write_junit(const std::string& path, const std::vector<Case>& ran,
                 const std::vector<Outcome>& outcomes, const int (&counts)[3]) {
  std::ofstream out(path);
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"native\" tests=\""
      << ran.size() << "\" failures=\"" << counts[Outcome::kFailed] << "\" skipped=\""
      << counts[Outcome::kSkipped] << "\">\n";
  for (size_t i = 0; i < ran.size(); ++i) {
    out << "<testcase classname=\"" << xml(ran[i].file) << "\" name=\"" << xml(ran[i].name)
        << "\" time=\"" << outcomes[i].seconds << "\">";
    if (outcomes[i].kind != Outcome::kPassed) {
      const char* tag = outcomes[i].kind == Outcome::kFailed ? "failure" : "skipped";
      out << "<" << tag << " message=\"" << xml(outcomes[i].text) << "\"/>";
    }
    out << "</testcase>\n";
  }
  out << "</testsuite>\n";
  out.close();
  return !out.fail();
}

bool parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--seed") == 0 && has_value) {
      char* end = nullptr;
      options->seed = std::strtoull(argv[++i], &end, 10);
      if (end == argv[i] || *end != 0) {
        return false;
      }
    } else if (std::strcmp(argv[i], "--junit") == 0 && has_value) {
      options->junit = argv[++i];
    } else if (std::strcmp(argv[i], "--list") == 0) {
      options->list = true;
    } else if (argv[i][0] != '-' && options->filter.empty()) {
      options->filter = argv[i];
    } else {
      return false;
    }
  }
  return true;
}

std::vector<Case> selected(const std::string& filter) {
  std::vector<Case> chosen;
  for (const Case& test : cases()) {
    if ((test.file + ": " + test.name).find(filter) != std::string::npos) {
      chosen.push_back(test);
    }
  }
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const Case& a, const Case& b) { return a.file < b.file; });
  return chosen;
}

int run_all(const Options& options) {
  const std::vector<Case> chosen = selected(options.filter);
  std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
  std::vector<Outcome> outcomes;
  int counts[3] = {};
  for (const Case& test : chosen) {
    outcomes.push_back(run(test, options.seed));
    ++counts[outcomes.back().kind];
    print(test, outcomes.back(), options.seed);
  }
  if (!options.junit.empty() && !write_junit(options.junit, chosen, outcomes, counts)) {
    std::fprintf(stderr, "cannot write %s\n", options.junit.c_str());
    return 2;
  }
  std::printf("%d passed, %d failed, %d skipped\n", counts[Outcome::kPassed],
              counts[Outcome::kFailed], counts[Outcome::kSkipped]);
  return counts[Outcome::kFailed] == 0 && !chosen.empty() ? 0 : 1;
}

}  // namespace

Registration::Registration(const char* name, const char* file, void (*body)()) {
  cases().push_back({name, file_name(file), body});
}

uint64_t seed() { return current_seed; }

int scale(int usual, int large) {
  const char* value = std::getenv("NANOFLOW_TEST_SCALE");
  return value != nullptr && std::strcmp(value, "large") == 0 ? large : usual;
}

void fail(const char* file, int line, const std::string& message) {
  const std::lock_guard<std::mutex> lock(failures_mutex);
  failures.push_back(file_name(file) + ":" + std::to_string(line) + ": " + message);
}

void abandon(const char* file, int line, const std::string& message) {
  fail(file, line, message);
  throw Abandoned{};
}

}  // namespace test

int main(int argc, char** argv) {
  test::Options options;
  if (!test::parse(argc, argv, &options)) {
    std::fprintf(stderr, "usage: %s [--seed N] [--junit FILE] [--list] [words]\n", argv[0]);
    return 2;
  }
  if (options.list) {
    for (const auto& test : test::selected(options.filter)) {
      std::printf("%s: %s\n", test.file.c_str(), test.name);
    }
    return 0;
  }
  return test::run_all(options);
}
