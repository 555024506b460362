#include "models/weights.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "core/check.h"
#include "platform/os.h"

namespace nf {

namespace {

uint64_t align(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

float element(DType dtype, const std::byte* data, uint64_t index) {
  if (dtype == DType::kF32) {
    float value;
    std::memcpy(&value, data + 4 * index, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, data + 2 * index, 2);
  return dtype == DType::kBF16 ? to_float(BF16{bits}) : half_to_float(bits);
}

}  // namespace

WeightStore::WeightStore(const Graph& graph, Backend& backend) : graph_(graph), backend_(backend) {
  for (WeightId id = 0; id < graph.weights.size(); ++id) {
    const Weight& weight = graph.weights[id];
    const uint32_t layers = weight.per_layer ? graph.dims.num_layers : 1;
    layer_bytes_.push_back(align(weight.matrix ? backend.matrix_bytes(weight.out, weight.in)
                                               : uint64_t{weight.out} * sizeof(float)));
    offsets_.push_back(packed_bytes_);
    packed_bytes_ += layer_bytes_.back() * layers;
    for (uint32_t layer = 0; layer < layers; ++layer) {
      for (uint16_t part = 0; part < weight.parts.size(); ++part) {
        tensors_.push_back({id, part, layer, false});
      }
    }
  }
}

uint64_t WeightStore::largest_source_bytes() const {
  uint64_t largest = 0;
  for (const Tensor& tensor : tensors_) largest = std::max(largest, elements_of(tensor) * 4);
  return largest;
}

void WeightStore::allocate() { base_ = backend_.allocate(packed_bytes_, "weights"); }

std::vector<std::vector<WeightView>> WeightStore::views() const {
  std::vector<std::vector<WeightView>> views(graph_.weights.size());
  for (WeightId id = 0; id < graph_.weights.size(); ++id) {
    const Weight& weight = graph_.weights[id];
    const uint32_t layers = weight.per_layer ? graph_.dims.num_layers : 1;
    for (uint32_t layer = 0; layer < layers; ++layer) {
      views[id].push_back({packed(id, layer), weight.out, weight.in});
    }
  }
  return views;
}

std::byte* WeightStore::packed(WeightId weight, uint32_t layer) const {
  return base_ + offsets_[weight] + layer_bytes_[weight] * layer;
}

const WeightPart& WeightStore::part_of(const Tensor& tensor) const {
  return graph_.weights[tensor.weight].parts[tensor.part];
}

uint64_t WeightStore::elements_of(const Tensor& tensor) const {
  return uint64_t{part_of(tensor).rows} * graph_.weights[tensor.weight].in;
}

std::string WeightStore::name_of(const Tensor& tensor) const {
  std::string name = part_of(tensor).source;
  const size_t place = name.find("{}");
  if (place != std::string::npos) name.replace(place, 2, std::to_string(tensor.layer));
  return name;
}

void WeightStore::describe(uint32_t index, nf_weight_info& out) const {
  NF_CHECK(index < count(), NF_INVALID_ARGUMENT, "weight index is out of range");
  const Tensor& tensor = tensors_[index];
  const Weight& weight = graph_.weights[tensor.weight];
  out = {};
  std::snprintf(out.name, sizeof(out.name), "%s", name_of(tensor).c_str());
  out.rank = weight.matrix ? 2 : 1;
  out.shape[0] = part_of(tensor).rows;
  if (weight.matrix) out.shape[1] = weight.in;
}

void WeightStore::load(uint32_t index, const nf_tensor_source& source) {
  NF_CHECK(base_ != nullptr && index < count(), NF_INVALID_ARGUMENT,
           "weight index is out of range");
  Tensor& tensor = tensors_[index];
  NF_CHECK(source.dtype >= NF_DTYPE_F32 && source.dtype <= NF_DTYPE_BF16, NF_UNSUPPORTED,
           name_of(tensor) + ": dtype is not one of f32, f16, bf16");
  const auto dtype = static_cast<DType>(source.dtype);
  const uint64_t expected = elements_of(tensor) * size_of(dtype);
  NF_CHECK(source.num_bytes == expected, NF_INVALID_ARGUMENT,
           name_of(tensor) + ": has " + std::to_string(source.num_bytes) + " bytes, expected " +
               std::to_string(expected));
  std::unique_ptr<MappedRange> mapped;
  if (source.path != nullptr) {
    mapped = std::make_unique<MappedRange>(source.path, source.offset, source.num_bytes);
  }
  const std::byte* data = mapped ? mapped->data() : static_cast<const std::byte*>(source.data);
  NF_CHECK(data != nullptr, NF_INVALID_ARGUMENT, name_of(tensor) + ": no data");

  const Weight& weight = graph_.weights[tensor.weight];
  const WeightPart& part = part_of(tensor);
  std::byte* target = packed(tensor.weight, tensor.layer);
  if (weight.matrix) {
    backend_.pack_matrix({weight.out, weight.in, part.first_out, part.rows, dtype}, data, target);
  } else {
    float* values = reinterpret_cast<float*>(target) + part.first_out;
    for (uint32_t i = 0; i < part.rows; ++i) values[i] = element(dtype, data, i) + weight.added;
  }
  tensor.loaded = true;
}

void WeightStore::check_complete() const {
  for (const Tensor& tensor : tensors_) {
    NF_CHECK(tensor.loaded, NF_INVALID_ARGUMENT, "weight " + name_of(tensor) + " was not loaded");
  }
}

}  // namespace nf
