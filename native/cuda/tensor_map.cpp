#include "cuda/tensor_map.h"

#include <string>

#include "core/check.h"
#include "cuda/driver.h"

namespace nf::cuda {

CUtensorMap swizzled_map(DType dtype, const void* matrix, uint64_t rows, uint64_t columns,
                         uint32_t box_rows) {
  const auto encode = driver().encode_tensor_map;
  NF_CHECK(encode != nullptr, NF_UNSUPPORTED, "the driver has no cuTensorMapEncodeTiled");
  const CUtensorMapDataType type =
      dtype == DType::kF16 ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16 : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  const cuuint64_t sizes[] = {columns, rows};
  const cuuint64_t strides[] = {columns * sizeof(uint16_t)};
  const cuuint32_t box[] = {kSwizzledColumns, box_rows};
  const cuuint32_t steps[] = {1, 1};
  CUtensorMap map;
  const CUresult result =
      encode(&map, type, 2, const_cast<void*>(matrix), sizes, strides, box, steps,
             CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  NF_CHECK(result == CUDA_SUCCESS, NF_UNSUPPORTED,
           "cuTensorMapEncodeTiled fails with " + std::to_string(int(result)));
  return map;
}

}  // namespace nf::cuda
