// Packing of weights and the size of a KV page.
#include "cpu/pack.h"

#include "core/block_formats.h"
#include "core/check.h"
#include "cpu/block_pack.h"
#include "cpu/int8_pack.h"
#include "cpu/kernels/kv_page.h"

namespace nf::cpu {
namespace {

struct FromF32 {
  const float* source;
  uint32_t operator()(size_t i) const { return to_bf16(source[i]).bits; }
};

struct FromF16 {
  const uint16_t* source;
  uint32_t operator()(size_t i) const { return to_bf16(half_to_float(source[i])).bits; }
};

struct FromBF16 {
  const uint16_t* source;
  uint32_t operator()(size_t i) const { return source[i]; }
};

// Source rows go one by one: reads are linear, writes are one word every 128 bytes into a panel
// that the cache still holds for the next 31 rows.
template <typename Read>
void pack_rows(const Backend::PackSpec& spec, Read read, uint32_t* packed) {
  for (uint32_t r = 0; r < spec.rows; ++r) {
    const uint32_t out = spec.target_row(r);
    uint32_t* column = packed + (out / kPanelColumns) * panel_words(spec.in) + out % kPanelColumns;
    const size_t base = size_t{r} * spec.in;
    for (uint32_t k = 0; k < spec.in; k += 2, column += kPanelColumns) {
      const uint32_t second = k + 1 < spec.in ? read(base + k + 1) : 0u;
      *column = read(base + k) | second << 16;
    }
  }
}

}  // namespace

DType packed_format(DType stored) { return is_block_format(stored) ? stored : DType::kPlain; }

size_t matrix_bytes(uint32_t out, uint32_t in, DType format) {
  if (is_block_format(format)) return block_matrix_bytes(out, in, format);
  if (format == DType::kI8) return int8_matrix_bytes(out, in);
  const size_t panels = (size_t{out} + kPanelColumns - 1) / kPanelColumns;
  return panels * panel_words(in) * sizeof(uint32_t);
}

void pack_matrix(const Backend::PackSpec& spec, const void* source, std::byte* packed) {
  NF_ASSERT(uint64_t{spec.first_out} + spec.rows <= spec.out);
  if (spec.format == DType::kI8) return pack_int8_matrix(spec, source, packed);
  auto* out = reinterpret_cast<uint32_t*>(packed);
  switch (spec.dtype) {
    case DType::kF32:
      return pack_rows(spec, FromF32{static_cast<const float*>(source)}, out);
    case DType::kF16:
      return pack_rows(spec, FromF16{static_cast<const uint16_t*>(source)}, out);
    case DType::kBF16:
      return pack_rows(spec, FromBF16{static_cast<const uint16_t*>(source)}, out);
    default:
      break;
  }
  NF_ASSERT(is_block_format(spec.dtype));
  pack_block_matrix(spec, static_cast<const std::byte*>(source), packed);
}

void unpack_row(const WeightView& weight, uint32_t row, float* out) {
  if (is_block_format(weight.format)) return unpack_block_row(weight, row, out);
  if (weight.format == DType::kI8) return unpack_int8_row(weight, row, out);
  const uint32_t* column = static_cast<const uint32_t*>(weight.data) +
                           (row / kPanelColumns) * panel_words(weight.in) + row % kPanelColumns;
  for (uint32_t k = 0; k < weight.in; ++k) {
    const uint32_t pair = column[size_t{k / 2} * kPanelColumns];
    out[k] = to_float(BF16{static_cast<uint16_t>(k % 2 == 0 ? pair : pair >> 16)});
  }
}

size_t kv_page_bytes(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim) {
  return KvPage{page_tokens, kv_heads, head_dim}.bytes();
}

}  // namespace nf::cpu
