// The subjects of the native tests: the reference, and the cpu once for each instruction set that
// this machine has.
#include "subjects.h"

#include <stdexcept>

#include "cpu/isa.h"
#include "cpu/kernel_table.h"
#include "cpu/pack.h"

namespace test {

std::vector<Subject> subjects() {
  std::vector<Subject> all{reference()};
  for (uint8_t i = 0; i < uint8_t(nf::cpu::Isa::kCount); ++i) {
    const auto isa = nf::cpu::Isa(i);
    if (!nf::cpu::isa_available(isa)) continue;
    all.push_back({std::string("cpu ") + nf::cpu::isa_name(isa), nf::cpu::kernel_table(isa),
                   nf::DType::kBF16, nf::cpu::packed_format, nf::cpu::matrix_bytes,
                   [](const nf::Backend::PackSpec& spec, const void* source, std::byte* packed) {
                     nf::cpu::pack_matrix(spec, source, packed, 2);
                   },
                   nf::cpu::kv_page_bytes});
  }
  return all;
}

// The best of this machine; all are compared with the reference in kernels_test.cpp.
Sampler tested_sampler() {
  for (const nf::Kernel& kernel : nf::cpu::kernel_table(nf::cpu::detect_isa().isa)) {
    if (kernel.kind == nf::OpKind::kSample) return {"cpu", kernel.launch, kernel.workspace};
  }
  throw std::logic_error("the cpu does not sample");
}

}  // namespace test
