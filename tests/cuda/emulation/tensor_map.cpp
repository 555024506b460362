// cuTensorMapEncodeTiled, with the checks that the driver makes.
#include "emulation/tensor_map.h"

#include <cstring>

#include "emulation/fiber.h"

namespace emulation {
namespace {

constexpr uint64_t kMagic = 0x70616d726f736e74;

}  // namespace

TensorMap decode(const CUtensorMap* map) {
  TensorMap decoded;
  std::memcpy(&decoded, map, sizeof(decoded));
  if (decoded.magic != kMagic) fail("a tensor map that cuTensorMapEncodeTiled did not make");
  return decoded;
}

}  // namespace emulation

CUresult cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank,
                                void* global, const cuuint64_t* sizes, const cuuint64_t* strides,
                                const cuuint32_t* box, const cuuint32_t* element_strides,
                                CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                                CUtensorMapL2promotion, CUtensorMapFloatOOBfill fill) {
  emulation::TensorMap encoded{};
  encoded.magic = emulation::kMagic;
  switch (type) {
    case CU_TENSOR_MAP_DATA_TYPE_UINT8:
      encoded.element_bytes = 1;
      break;
    case CU_TENSOR_MAP_DATA_TYPE_UINT16:
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT16:
    case CU_TENSOR_MAP_DATA_TYPE_BFLOAT16:
      encoded.element_bytes = 2;
      break;
    case CU_TENSOR_MAP_DATA_TYPE_UINT32:
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT32:
      encoded.element_bytes = 4;
      break;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
  // Two dimensions are all that is emulated.
  if (map == nullptr || rank != 2 || reinterpret_cast<uintptr_t>(map) % 64 != 0 ||
      reinterpret_cast<uintptr_t>(global) % 16 != 0 || global == nullptr ||
      interleave != CU_TENSOR_MAP_INTERLEAVE_NONE || fill != CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE ||
      (swizzle != CU_TENSOR_MAP_SWIZZLE_NONE && swizzle != CU_TENSOR_MAP_SWIZZLE_128B)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  for (int i = 0; i < 2; ++i) {
    if (sizes[i] == 0 || sizes[i] > uint64_t{1} << 32 || box[i] == 0 || box[i] > 256 ||
        element_strides[i] != 1) {
      return CUDA_ERROR_INVALID_VALUE;
    }
  }
  const uint64_t inner_bytes = uint64_t{box[0]} * encoded.element_bytes;
  if (strides[0] % 16 != 0 || strides[0] < sizes[0] * encoded.element_bytes ||
      strides[0] >= uint64_t{1} << 40 || inner_bytes % 16 != 0 ||
      (swizzle == CU_TENSOR_MAP_SWIZZLE_128B && inner_bytes > 128)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  encoded.global = static_cast<const char*>(global);
  encoded.columns = sizes[0];
  encoded.rows = sizes[1];
  encoded.row_bytes = strides[0];
  encoded.box_columns = box[0];
  encoded.box_rows = box[1];
  encoded.swizzled = swizzle == CU_TENSOR_MAP_SWIZZLE_128B;
  std::memset(map, 0, sizeof(*map));
  std::memcpy(map, &encoded, sizeof(encoded));
  return CUDA_SUCCESS;
}
