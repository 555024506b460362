// The subjects of the native tests: the reference, and the cpu once for each instruction set that
// this machine has.
#include "subjects.h"

#include "cpu/isa.h"
#include "cpu/kernel_table.h"
#include "cpu/kernels/kernels.h"
#include "cpu/pack.h"

namespace test {

std::vector<Subject> subjects() {
  std::vector<Subject> all{reference()};
  for (uint8_t i = 0; i < uint8_t(nf::cpu::Isa::kCount); ++i) {
    const auto isa = nf::cpu::Isa(i);
    if (!nf::cpu::isa_available(isa)) continue;
    all.push_back({std::string("cpu ") + nf::cpu::isa_name(isa), nf::cpu::kernel_table(isa),
                   nf::DType::kBF16, nf::cpu::packed_format, nf::cpu::matrix_bytes,
                   nf::cpu::pack_matrix, nf::cpu::kv_page_bytes});
  }
  return all;
}

Sampler tested_sampler() { return {"cpu", nf::cpu::sample, nf::cpu::sample_workspace}; }

}  // namespace test
