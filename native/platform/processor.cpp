#include "platform/processor.h"

#include <cstring>

#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>
#endif

namespace nf {

namespace {

#if defined(__x86_64__) || defined(_M_X64)
// The brand string: three leaves of 16 characters, padded with blanks or zeros.
std::string brand() {
  constexpr unsigned kFirst = 0x80000002;
  constexpr unsigned kLast = 0x80000004;
  if (__get_cpuid_max(0x80000000, nullptr) < kLast) return "";
  std::string text;
  for (unsigned leaf = kFirst; leaf <= kLast; ++leaf) {
    unsigned registers[4];
    __cpuid(leaf, registers[0], registers[1], registers[2], registers[3]);
    char part[sizeof(registers)];
    std::memcpy(part, registers, sizeof(registers));
    text.append(part, sizeof(part));
  }
  return text;
}
#else
std::string brand() { return ""; }
#endif

}  // namespace

// A hypervisor may write what it likes into the brand string.
std::string processor_name() {
  std::string name;
  for (const char c : brand()) {
    if (c == '\0') break;
    const bool visible = c > ' ' && c <= '~';
    if (visible) {
      name += c;
    } else if (!name.empty() && name.back() != ' ') {
      name += ' ';
    }
  }
  if (!name.empty() && name.back() == ' ') name.pop_back();
  return name.empty() ? "unknown" : name;
}

}  // namespace nf
