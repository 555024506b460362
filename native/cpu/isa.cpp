// Detection of instruction sets. __builtin_cpu_supports also asks the operating system whether it
// saves the wide registers.
#include "cpu/isa.h"

#include <cstdlib>
#include <string>

#include "core/check.h"

namespace nf::cpu {
namespace {

constexpr const char* kNames[] = {"scalar", "avx2", "avx512", "avx512bf16"};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == size_t(Isa::kCount));

#if defined(__x86_64__) || defined(_M_X64)
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

bool has_avx512bf16() {
  return has_avx512() && __builtin_cpu_supports("avx512bf16") &&
         __builtin_cpu_supports("avx512vnni");
}
#else
bool has_avx2() { return false; }
bool has_avx512() { return false; }
bool has_avx512bf16() { return false; }
#endif

bool is_set(const char* text) { return text != nullptr && *text != '\0'; }

IsaChoice named_isa(const char* name, const std::string& where, const char* reason) {
  const auto isa = parse_isa(name);
  NF_CHECK(isa.has_value(), NF_INVALID_ARGUMENT,
           where + name + " is not one of scalar, avx2, avx512, avx512bf16");
  NF_CHECK(isa_available(*isa), NF_UNSUPPORTED,
           where + name + " is not available on this processor");
  return {*isa, reason};
}

}  // namespace

const char* isa_name(Isa isa) { return kNames[size_t(isa)]; }

std::optional<Isa> parse_isa(std::string_view name) {
  for (size_t i = 0; i < size_t(Isa::kCount); ++i) {
    if (name == kNames[i]) return static_cast<Isa>(i);
  }
  return std::nullopt;
}

bool isa_available(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kAvx2:
      return has_avx2();
    case Isa::kAvx512:
      return has_avx512();
    case Isa::kAvx512Bf16:
      return has_avx512bf16();
    case Isa::kCount:
      break;
  }
  return false;
}

IsaChoice detect_isa() {
  if (has_avx512bf16()) return {Isa::kAvx512Bf16, "the processor has AVX-512 with BF16 and VNNI"};
  if (has_avx512()) return {Isa::kAvx512, "the processor has AVX-512 F, BW, VL, DQ but not BF16"};
  if (has_avx2()) return {Isa::kAvx2, "the processor has AVX2 and FMA but not AVX-512"};
  return {Isa::kScalar, "the processor lacks AVX2, FMA or F16C"};
}

IsaChoice choose_isa(const char* named) {
  if (is_set(named)) return named_isa(named, "instruction set ", "named");
  const char* forced = std::getenv("NANOFLOW_CPU_ISA");
  if (!is_set(forced)) return detect_isa();
  return named_isa(forced, "NANOFLOW_CPU_ISA=", "forced by NANOFLOW_CPU_ISA");
}

}  // namespace nf::cpu
