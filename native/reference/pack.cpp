// Packing on the reference backend: every element becomes fp32 and stays where it is.
#include "pack.h"

#include <cstring>

#include "core/check.h"

namespace nf::reference {
namespace {

// Element `index` of an array of `dtype`. Sources come from files: they may be unaligned.
float load_element(const void* source, DType dtype, size_t index) {
  const auto* bytes = static_cast<const std::byte*>(source) + index * size_of(dtype);
  if (dtype == DType::kF32) {
    float value;
    std::memcpy(&value, bytes, sizeof(value));
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof(bits));
  return dtype == DType::kBF16 ? to_float(BF16{bits}) : half_to_float(bits);
}

}  // namespace

size_t matrix_bytes(uint32_t out, uint32_t in) { return size_t{out} * in * sizeof(float); }

void pack_matrix(const Backend::PackSpec& spec, const void* source, std::byte* packed) {
  NF_ASSERT(uint64_t{spec.first_out} + spec.rows <= spec.out);
  auto* matrix = reinterpret_cast<float*>(packed);
  float* target = matrix + size_t{spec.first_out} * spec.in;
  const size_t count = size_t{spec.rows} * spec.in;
  for (size_t i = 0; i < count; ++i) {
    target[i] = load_element(source, spec.dtype, i);
  }
}

size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim) {
  return 2 * size_t{kv_heads} * page_tokens * head_dim * sizeof(float);
}

}  // namespace nf::reference
