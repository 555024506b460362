// Sequences whose queries, keys and values are fixed by sequence and position, and attention
// kernels run on any selection of their rows.
#pragma once

#include <string>
#include <vector>

#include "check.h"
#include "core/backend.h"
#include "cuda/kv_page.h"
#include "shapes.h"

namespace test {

constexpr uint16_t kUnwritten = 0x4567;  // in results that no kernel wrote

using Bits = std::vector<uint16_t>;  // of results [rows, heads * head_dim]

struct WorldShape {
  uint32_t head_dim;
  uint32_t heads;
  uint32_t kv_heads;
  uint32_t page_tokens;
  uint32_t window = 0;
  float softcap = 0;
  nf::DType operand = nf::DType::kBF16;

  uint32_t width() const { return heads * head_dim; }
  nf::OpShape op_shape() const {
    nf::OpShape op;
    op.head_dim = head_dim;
    op.num_heads = heads;
    op.num_kv_heads = kv_heads;
    return op;
  }
};

struct AttentionKernel {
  std::string name;
  void (*launch)(const nf::OpArgs& args, nf::Lane& lane);
  size_t (*workspace)(const nf::OpShape& shape);
};

// Of an operand dtype; of decode attention all that the device can run.
std::vector<AttentionKernel> decode_kernels(nf::DType operand = nf::DType::kBF16);
AttentionKernel prefill_kernel(nf::DType operand = nf::DType::kBF16);

// A row of a sequence; a padding row where sequence is nf::kNoSequence.
struct AttentionRow {
  uint32_t sequence;
  uint32_t position;
};

// Consecutive rows of a sequence in a step.
struct Chunk {
  uint32_t sequence;
  uint32_t position;
  uint32_t rows;
};

std::vector<AttentionRow> rows_of(const std::vector<Chunk>& chunks);

class AttentionWorld {
 public:
  AttentionWorld(Random& random, const WorldShape& shape, const std::vector<uint32_t>& lengths);

  struct DecodeOptions {
    uint32_t units = 1;
    bool split = false;                       // rows of more than one chunk
    std::vector<nf::RowRange> launches = {};  // all rows at once where there are none
  };
  Bits decode(const AttentionKernel& kernel, const std::vector<AttentionRow>& rows,
              const DecodeOptions& options);
  // The rows of all chunks; launches count from the first of them.
  Bits prefill(const AttentionKernel& kernel, const std::vector<Chunk>& chunks, uint32_t units = 1,
               std::vector<nf::RowRange> launches = {});

  // Are the results of rows near those of a double loop?
  void check(const std::vector<AttentionRow>& rows, const Bits& out) const;
  Bits row_of(const Bits& out, size_t row) const;

  void scale_queries(float factor);
  // Writes NaNs over all tokens of a sequence outside [begin, end).
  void spoil_outside(uint32_t sequence, uint32_t begin, uint32_t end);

  WorldShape shape;
  std::vector<uint32_t> lengths;

 private:
  struct Step;
  Bits run(const AttentionKernel& kernel, Step& step, uint32_t units,
           std::vector<nf::RowRange> launches);
  void put_token(uint32_t sequence, uint32_t position);
  // Of the key; the value is half a tile further.
  uint16_t* token(uint32_t sequence, uint32_t position, uint32_t kv_head, uint32_t dim);
  std::vector<double> attend(AttentionRow row, uint32_t head) const;

  nf::cuda::KvPage layout_;
  AlignedBytes pages_;
  std::vector<uint32_t> table_;
  std::vector<uint32_t> table_begin_;
  std::vector<std::vector<float>> queries_;  // by sequence: [length, heads * head_dim]
  std::vector<std::vector<float>> keys_;     // by sequence: [length, kv_heads * head_dim]
  std::vector<std::vector<float>> values_;
};

}  // namespace test
