// Decode attention whose pages come by bulk copies: one lane asks for a half tile, and a barrier in
// shared memory says when it is there. For sm_90.
#include "cuda/kernels/decode_attention_tile.h"
#include "cuda/kernels/kernels.h"
#include "cuda/launch.h"
#include "cuda/shared_bytes.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kWarpRingBytes = 24 << 10;  // 96 KiB of a block are on their way

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

template <typename T, uint32_t kDim>
class BulkRing {
 public:
  static constexpr uint32_t kHalf = kTileTokens * kDim;  // elements
  static constexpr uint32_t kHalfBytes = kHalf * sizeof(T);
  static constexpr uint32_t kSlots = kWarpRingBytes / kHalfBytes;

  __device__ BulkRing(T* block_slots, uint64_t* block_barriers)
      : slots_(block_slots + warp_index() * kSlots * kHalf),
        barriers_(block_barriers + warp_index() * kSlots) {}

  __device__ void fill(const T* source) {
    if (source != nullptr && lane_index() == 0) {
      ptx::barrier_expect_bytes(&barriers_[slot_], kHalfBytes);
      ptx::bulk_copy(slots_ + slot_ * kHalf, source, kHalfBytes, &barriers_[slot_]);
    }
    if (++slot_ == kSlots) {
      slot_ = 0;
      parity_ ^= 1;
    }
  }

  __device__ const T* take() const {
    ptx::barrier_wait(&barriers_[slot_], parity_);
    return slots_ + slot_ * kHalf;
  }

 private:
  T* slots_;
  uint64_t* barriers_;
  uint32_t slot_ = 0;
  uint32_t parity_ = 1;  // slots are filled once before the first is taken
};

#endif

template <typename T, uint32_t kDim>
__global__ void __launch_bounds__(kDecodeThreads)
    attend_bulk(AttentionInput input, PartResults results) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  using Ring = BulkRing<T, kDim>;
  constexpr uint32_t kBarriers = kDecodeWarps * Ring::kSlots;
  NF_DYNAMIC_SHARED(unsigned char, shared);
  __shared__ uint64_t barriers[kBarriers];
  __shared__ float max[kDecodeWarps * kTileHeads];
  __shared__ float sum[kDecodeWarps * kTileHeads];
  if (threadIdx.x < kBarriers) ptx::barrier_init(&barriers[threadIdx.x], 1);
  ptx::fence_barrier_init();
  __syncthreads();
  const Exchange<kDim> exchange{reinterpret_cast<float*>(shared + kDecodeWarps * kWarpRingBytes),
                                max, sum};
  decode_attention<T, kDim>(input, Ring(reinterpret_cast<T*>(shared), barriers), exchange, results);
#endif
}

}  // namespace

bool decode_attention_bulk_supports(const OpShape& shape) {
  return decode_attention_supports(shape);
}

size_t decode_attention_bulk_workspace(const OpShape& shape) {
  return decode_attention_workspace(shape);
}

template <DType operand>
void decode_attention_bulk(const OpArgs& op, Lane& lane) {
  using T = Operand<operand>;
  const AttentionArgs& args = op.attention;
  if (args.rows.empty()) return;
  CudaLane& cuda = cuda_lane(lane);
  const AttentionInput input(args);
  const PartResults results(cuda.scratch(0), args.num_heads, input.layout.padded_dim());
  for_padded_dim(input.layout, [&](auto dim) {
    constexpr uint32_t kBytes = kDecodeWarps * kWarpRingBytes + Exchange<dim>::kBytes;
    constexpr auto kernel = attend_bulk<T, dim>;
    allow_shared_bytes<kernel>(kBytes);
    const uint32_t grid = cuda.grid(most_decode_blocks(args), dim <= 128 ? 2 : 1);
    NF_LAUNCH(kernel, grid, kDecodeThreads, kBytes, cuda.stream(), input, results);
  });
  merge_decode_parts<operand>(args, cuda);
}

template void decode_attention_bulk<DType::kBF16>(const OpArgs&, Lane&);
template void decode_attention_bulk<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
