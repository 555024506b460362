// Embedding lookup, and the penalty counts of the step's tokens.
//
// A block is a row: 2 H bytes of the table read, 4 H written. All counting of a sequence belongs to
// the block that embeds its first row (core/penalty_counts.h).
#include "core/penalty_counts.h"
#include "cuda/kernels/chunk.h"
#include "cuda/kernels/kernels.h"
#include "cuda/lane.h"
#include "cuda/launch.h"

namespace nf::cuda {
namespace {

// Counts the tokens of the sequence that starts at first_row, by all threads of the block.
__device__ void count_tokens(const Batch& batch, uint32_t first_row, uint32_t vocab) {
  const nf_sequence& sequence = batch.sequences[batch.row_sequence[first_row]];
  if (batch.penalty_counts == nullptr || (sequence.flags & NF_SEQUENCE_COUNT) == 0) return;
  uint16_t* counts = batch.penalty_counts + size_t{sequence.slot} * vocab;
  if ((sequence.flags & NF_SEQUENCE_RESET) != 0) {
    for (uint32_t token = threadIdx.x; token < vocab; token += blockDim.x) counts[token] = 0;
    __syncthreads();
  }
  // Prompts are long, but to note a token twice is to note it once: threads may meet at a count,
  // and then write the same.
  const uint32_t position = sequence.position;
  const uint32_t in_prompt =
      sequence.prompt_tokens < position ? 0 : sequence.prompt_tokens - position;
  const uint32_t prompt_rows = in_prompt < sequence.row_count ? in_prompt : sequence.row_count;
  for (uint32_t i = threadIdx.x; i < prompt_rows; i += blockDim.x) {
    count_token(counts[resolve_token(batch, first_row + i)], true);
  }
  __syncthreads();
  // Tokens of the output are counted by the thread that owns them.
  for (uint32_t i = prompt_rows; i < sequence.row_count; ++i) {
    const auto token = uint32_t(resolve_token(batch, first_row + i));
    if (token % blockDim.x == threadIdx.x) count_token(counts[token], false);
  }
}

template <typename T, uint32_t wide>
__global__ void embed_rows(EmbeddingArgs args, Batch batch) {
  const uint32_t hidden = args.table.in;
  for (uint32_t row = args.rows.begin + blockIdx.x; row < args.rows.end; row += gridDim.x) {
    if (batch.row_sequence[row] == kNoSequence) continue;
    const T* entry =
        static_cast<const T*>(args.table.data) + size_t(resolve_token(batch, row)) * hidden;
    float* out = args.out + size_t{row} * hidden;
    for (uint32_t i = threadIdx.x * wide; i < hidden; i += blockDim.x * wide) {
      float chunk[wide];
      load_chunk(entry + i, chunk);
      for (float& value : chunk) value *= args.scale;
      store_chunk(out + i, chunk);
    }
    if (is_first_row(batch, row)) count_tokens(batch, row, args.table.out);
  }
}

}  // namespace

bool embedding_supports(const OpShape&) { return true; }

size_t embedding_workspace(const OpShape&) { return 0; }

template <DType operand>
void embedding(const OpArgs& op, Lane& lane) {
  const EmbeddingArgs& args = op.embedding;
  if (args.rows.empty()) return;
  const CudaLane& cuda = cuda_lane(lane);
  using T = Operand<operand>;
  const auto kernel = args.table.in % kWide == 0 ? embed_rows<T, kWide> : embed_rows<T, 1>;
  NF_LAUNCH(kernel, cuda.grid(args.rows.size(), 4), row_threads(args.table.in), 0, cuda.stream(),
            args, *args.batch);
}

template void embedding<DType::kBF16>(const OpArgs&, Lane&);
template void embedding<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
