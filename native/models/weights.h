// The weights of a model in memory: allocated and packed once, loaded tensor by tensor.
//
// Rules of conversion: a matrix is packed as its backend stores matrices (reference fp32, cpu bf16,
// rounded to nearest even where the source is wider), or in the block format in which it is stored
// where the backend keeps those; a vector is kept in fp32. Parts of one weight may have different
// formats, and a layer others than the next: neighbours of one format are packed as one section.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/backend.h"
#include "core/graph.h"
#include "nanoflow.h"

namespace nf {

class WeightStore {
 public:
  // Describes the tensors; allocates nothing. Of the spec only the formats are read: throws
  // NF_INVALID_ARGUMENT naming the first one that does not fit the model.
  WeightStore(const Graph& graph, Backend& backend, const nf_model_spec& spec);

  uint64_t packed_bytes() const { return packed_bytes_; }
  uint64_t largest_source_bytes() const;  // with 4-byte elements where the dtype is open

  void allocate();
  // [weight][layer or 0][section]; valid after allocate.
  std::vector<std::vector<std::vector<WeightSection>>> views() const;

  // The hash of the graph, mixed with the formats of its weights where not all are plain.
  uint64_t hash() const;

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
    uint32_t section;  // of the weight in its layer
    DType stored;      // a block format, or plain: any dtype whose elements stand alone
    bool loaded;
  };

  struct Section {
    DType format;
    uint32_t first_out;
    uint32_t rows;
    uint64_t offset;  // bytes from base_
    uint64_t stride;  // bytes from one matrix to the next, where the weight has several
  };

  using Formats = std::map<std::string, DType>;

  Formats read_formats(const nf_model_spec& spec) const;
  DType take_format(Formats& formats, const Tensor& tensor) const;
  void add_layer(WeightId id, uint32_t layer, Formats& formats);
  uint32_t layers_of(const Weight& weight) const;
  std::string name_of(const Tensor& tensor) const;
  const WeightPart& part_of(const Tensor& tensor) const;
  uint64_t elements_of(const Tensor& tensor) const;
  void check_source(const Tensor& tensor, const nf_tensor_source& source) const;
  void store(const Tensor& tensor, const std::byte* data, const nf_tensor_source& source);

  const Graph& graph_;
  Backend& backend_;
  std::vector<Tensor> tensors_;
  std::vector<std::vector<std::vector<Section>>> sections_;  // [weight][layer or 0]
  uint64_t packed_bytes_ = 0;
  std::byte* base_ = nullptr;
};

}  // namespace nf
