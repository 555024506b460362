// Decode attention whose pages come by 16-byte asynchronous copies of all lanes: for any device.
#include "cuda/kernels/decode_attention_tile.h"
#include "cuda/kernels/kernels.h"
#include "cuda/launch.h"
#include "cuda/shared_bytes.h"

namespace nf::cuda {
namespace {

// Half tiles of a warp, 16 KiB where they are that small: a block fits an SM of sm_89 (99 KiB) with
// every head size, and two of them one of sm_80 up to 128 dimensions.
template <typename T, uint32_t kDim>
class AsyncRing {
 public:
  static constexpr uint32_t kHalf = kTileTokens * kDim;  // elements
  static constexpr uint32_t kSlots = kDim == 64 ? 8 : kDim == 128 ? 4 : 2;
  static constexpr uint32_t kBytes = kDecodeWarps * kSlots * kHalf * sizeof(T);

  __device__ explicit AsyncRing(T* block_slots)
      : slots_(block_slots + warp_index() * kSlots * kHalf) {}

  __device__ void fill(const T* source) {
    if (source != nullptr) {
      T* slot = slots_ + slot_ * kHalf;
#pragma unroll
      for (uint32_t i = 0; i < kHalf; i += kWarpSize * 8) {
        const uint32_t own = i + lane_index() * 8;
        ptx::async_copy_16(slot + own, source + own);
      }
    }
    ptx::async_commit();  // a group for each slot, so that take can count them
    slot_ = slot_ + 1 < kSlots ? slot_ + 1 : 0;
  }

  __device__ const T* take() const {
    ptx::async_wait<int{kSlots} - 1>();
    __syncwarp();  // what the other lanes copied is there too
    return slots_ + slot_ * kHalf;
  }

 private:
  T* slots_;
  uint32_t slot_ = 0;
};

template <typename T, uint32_t kDim>
__global__ void __launch_bounds__(kDecodeThreads)
    attend_async(AttentionInput input, PartResults results) {
  using Ring = AsyncRing<T, kDim>;
  NF_DYNAMIC_SHARED(unsigned char, shared);
  __shared__ float max[kDecodeWarps * kTileHeads];
  __shared__ float sum[kDecodeWarps * kTileHeads];
  const Exchange<kDim> exchange{reinterpret_cast<float*>(shared + Ring::kBytes), max, sum};
  decode_attention<T, kDim>(input, Ring(reinterpret_cast<T*>(shared)), exchange, results);
}

}  // namespace

bool decode_attention_async_supports(const OpShape& shape) {
  return decode_attention_supports(shape);
}

size_t decode_attention_async_workspace(const OpShape& shape) {
  return decode_attention_workspace(shape);
}

template <DType operand>
void decode_attention_async(const OpArgs& op, Lane& lane) {
  using T = Operand<operand>;
  const AttentionArgs& args = op.attention;
  if (args.rows.empty()) return;
  CudaLane& cuda = cuda_lane(lane);
  const AttentionInput input(args);
  const PartResults results(cuda.scratch(0), args.num_heads, input.layout.padded_dim());
  for_padded_dim(input.layout, [&](auto dim) {
    constexpr uint32_t kBytes = AsyncRing<T, dim>::kBytes + Exchange<dim>::kBytes;
    constexpr auto kernel = attend_async<T, dim>;
    allow_shared_bytes<kernel>(kBytes);
    const uint32_t grid = cuda.grid(most_decode_blocks(args), dim <= 128 ? 2 : 1);
    NF_LAUNCH(kernel, grid, kDecodeThreads, kBytes, cuda.stream(), input, results);
  });
  merge_decode_parts<operand>(args, cuda);
}

template void decode_attention_async<DType::kBF16>(const OpArgs&, Lane&);
template void decode_attention_async<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
