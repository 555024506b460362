// The weights of a model in memory: allocated and packed once, loaded tensor by tensor.
//
// Rules of conversion: a matrix is packed as its backend stores matrices (reference fp32, cpu bf16,
// rounded to nearest even where the source is wider); a vector is kept in fp32.
#pragma once

#include <vector>

#include "core/backend.h"
#include "core/graph.h"
#include "nanoflow.h"

namespace nf {

class WeightStore {
 public:
  // Describes the tensors; allocates nothing.
  WeightStore(const Graph& graph, Backend& backend);

  uint64_t packed_bytes() const { return packed_bytes_; }
  uint64_t largest_source_bytes() const;  // with 4-byte elements

  void allocate();
  // [weight][layer or 0]; valid after allocate.
  std::vector<std::vector<WeightView>> views() const;

  uint32_t count() const { return static_cast<uint32_t>(tensors_.size()); }
  void describe(uint32_t index, nf_weight_info& out) const;
  void load(uint32_t index, const nf_tensor_source& source);
  // Throws NF_INVALID_ARGUMENT naming the first tensor that was not loaded.
  void check_complete() const;

 private:
  // One tensor of the checkpoint: a part of a weight in one layer.
  struct Tensor {
    WeightId weight;
    uint16_t part;
    uint32_t layer;
    bool loaded;
  };

  std::string name_of(const Tensor& tensor) const;
  const WeightPart& part_of(const Tensor& tensor) const;
  uint64_t elements_of(const Tensor& tensor) const;
  uint64_t matrix_bytes(const Weight& weight) const;  // packed: of one, or of a vector
  std::byte* packed(WeightId weight, uint32_t layer) const;

  const Graph& graph_;
  Backend& backend_;
  std::vector<Tensor> tensors_;
  std::vector<uint64_t> offsets_;      // by weight: of its first layer
  std::vector<uint64_t> layer_bytes_;  // by weight: of all its matrices
  uint64_t packed_bytes_ = 0;
  std::byte* base_ = nullptr;
};

}  // namespace nf
