// Which instruction set the kernels of this process use.
//
// An instruction set is a numeric class: kernels of two classes may round differently, so it is
// chosen once, when the backend is opened, and never by a plan or a batch.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nf::cpu {

enum class Isa : uint8_t { kScalar, kAvx2, kAvx512, kAvx512Bf16, kCount };

struct IsaChoice {
  Isa isa;
  const char* reason;  // one sentence for people, static storage
};

// "scalar", "avx2", "avx512" or "avx512bf16".
const char* isa_name(Isa isa);
std::optional<Isa> parse_isa(std::string_view name);

// Whether this processor and operating system can run kernels of `isa`.
bool isa_available(Isa isa);

// The best available one.
IsaChoice detect_isa();

// The one that is named, else that of NANOFLOW_CPU_ISA (to compare them, or to rule one out), else
// the best. Throws NF_INVALID_ARGUMENT or NF_UNSUPPORTED with the name. `named` may be null.
IsaChoice choose_isa(const char* named);

}  // namespace nf::cpu
