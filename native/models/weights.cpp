#include "models/weights.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>

#include "core/block_formats.h"
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

WeightStore::WeightStore(const Graph& graph, Backend& backend, const nf_model_spec& spec)
    : graph_(graph), backend_(backend) {
  Formats formats = read_formats(spec);
  for (WeightId id = 0; id < graph.weights.size(); ++id) {
    sections_.emplace_back();
    for (uint32_t layer = 0; layer < layers_of(graph.weights[id]); ++layer) {
      add_layer(id, layer, formats);
    }
  }
  NF_CHECK(formats.empty(), NF_INVALID_ARGUMENT,
           "model spec: formats: the model has no weight " + formats.begin()->first);
}

WeightStore::Formats WeightStore::read_formats(const nf_model_spec& spec) const {
  uint64_t num_tensors = 0;
  for (const Weight& weight : graph_.weights) {
    num_tensors += uint64_t{layers_of(weight)} * weight.parts.size();
  }
  NF_CHECK(spec.num_formats <= num_tensors, NF_INVALID_ARGUMENT,
           "model spec: num_formats = " + std::to_string(spec.num_formats) + ", allowed 0.." +
               std::to_string(num_tensors) + ", the weights of the model");
  NF_CHECK(spec.num_formats == 0 || spec.formats != nullptr, NF_INVALID_ARGUMENT,
           "model spec: formats is NULL");
  Formats formats;
  for (uint32_t i = 0; i < spec.num_formats; ++i) {
    const nf_tensor_format& format = spec.formats[i];
    NF_CHECK(format.name != nullptr, NF_INVALID_ARGUMENT, "model spec: formats: a name is NULL");
    const std::string field = std::string("model spec: formats: ") + format.name;
    const auto dtype = static_cast<DType>(format.dtype);
    NF_CHECK(format.dtype <= 0xff && is_block_format(dtype), NF_UNSUPPORTED,
             field + ": dtype " + std::to_string(format.dtype) + " is not a known block format");
    NF_CHECK(formats.emplace(format.name, dtype).second, NF_INVALID_ARGUMENT,
             field + " is listed twice");
  }
  return formats;
}

// The stored format of a tensor, which is taken off the list.
DType WeightStore::take_format(Formats& formats, const Tensor& tensor) const {
  const auto found = formats.empty() ? formats.end() : formats.find(name_of(tensor));
  if (found == formats.end()) return DType::kPlain;
  const Weight& weight = graph_.weights[tensor.weight];
  const BlockFormat& format = block_format(found->second);
  NF_CHECK(weight.matrix, NF_INVALID_ARGUMENT,
           "model spec: formats: " + found->first + " is a vector, which has no block format");
  NF_CHECK(weight.count == 1, NF_UNSUPPORTED,
           "model spec: formats: " + found->first +
               " is a matrix of an expert, for which there is no kernel of a block format");
  NF_CHECK(weight.in % format.elements == 0, NF_INVALID_ARGUMENT,
           "model spec: formats: " + found->first + " has shape [" +
               std::to_string(part_of(tensor).rows) + ", " + std::to_string(weight.in) +
               "], and blocks of " + format.name + " take " + std::to_string(format.elements) +
               " elements of a row");
  formats.erase(found);
  return format.dtype;
}

// Cuts a weight of one layer into sections, and gives them their place.
void WeightStore::add_layer(WeightId id, uint32_t layer, Formats& formats) {
  const Weight& weight = graph_.weights[id];
  std::vector<Section>& sections = sections_[id].emplace_back();
  for (uint16_t part = 0; part < weight.parts.size(); ++part) {
    Tensor tensor{id, part, layer, 0, DType::kPlain, false};
    tensor.stored = take_format(formats, tensor);
    const DType format =
        tensor.stored == DType::kPlain ? weight.format : backend_.packed_format(tensor.stored);
    if (sections.empty() || sections.back().format != format) {
      sections.push_back({format, weight.parts[part].first_out, 0, 0, 0});
    }
    // All matrices of a weight have the rows of the first.
    if (weight.parts[part].matrix == 0) sections.back().rows += weight.parts[part].rows;
    tensor.section = static_cast<uint32_t>(sections.size() - 1);
    tensors_.push_back(tensor);
  }
  for (Section& section : sections) {
    section.offset = packed_bytes_;
    section.stride =
        align(weight.matrix ? backend_.matrix_bytes(section.rows, weight.in, section.format)
                            : uint64_t{section.rows} * sizeof(float));
    packed_bytes_ += section.stride * weight.count;
  }
}

uint32_t WeightStore::layers_of(const Weight& weight) const {
  return weight.per_layer ? graph_.dims.num_layers : 1;
}

uint64_t WeightStore::largest_source_bytes() const {
  uint64_t largest = 0;
  for (const Tensor& tensor : tensors_) {
    const DType dtype = tensor.stored == DType::kPlain ? DType::kF32 : tensor.stored;
    largest = std::max(largest, stored_bytes(dtype, elements_of(tensor)));
  }
  return largest;
}

void WeightStore::allocate() { base_ = backend_.allocate(packed_bytes_, "weights"); }

std::vector<std::vector<std::vector<WeightSection>>> WeightStore::views() const {
  std::vector<std::vector<std::vector<WeightSection>>> views(graph_.weights.size());
  for (WeightId id = 0; id < graph_.weights.size(); ++id) {
    const Weight& weight = graph_.weights[id];
    for (const std::vector<Section>& sections : sections_[id]) {
      std::vector<WeightSection>& layer = views[id].emplace_back();
      for (const Section& section : sections) {
        layer.push_back({{base_ + section.offset, section.rows, weight.in, section.format,
                          weight.count, section.stride},
                         section.first_out});
      }
    }
  }
  return views;
}

// FNV-1a steps over the formats: a graph of plain weights keeps its own hash.
uint64_t WeightStore::hash() const {
  uint64_t hash = graph_.hash();
  for (const Tensor& tensor : tensors_) {
    if (tensor.stored == DType::kPlain) continue;
    const auto index = static_cast<uint64_t>(&tensor - tensors_.data());
    hash = (hash ^ (index << 8 | static_cast<uint64_t>(tensor.stored))) * 0x100000001b3ull;
  }
  return hash;
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

void WeightStore::check_source(const Tensor& tensor, const nf_tensor_source& source) const {
  const bool int8 = source.dtype == NF_DTYPE_I8;
  if (tensor.stored == DType::kPlain) {
    NF_CHECK(int8 || (source.dtype >= NF_DTYPE_F32 && source.dtype <= NF_DTYPE_BF16),
             NF_UNSUPPORTED,
             name_of(tensor) +
                 ": dtype is not one of f32, f16, bf16, int8, and the model spec names no "
                 "block format for it");
    NF_CHECK(!int8 || graph_.weights[tensor.weight].format == DType::kI8, NF_INVALID_ARGUMENT,
             name_of(tensor) + ": dtype is int8, but the model spec does not keep it so");
  } else {
    NF_CHECK(source.dtype == static_cast<uint32_t>(tensor.stored), NF_INVALID_ARGUMENT,
             name_of(tensor) + ": dtype is not " + block_format(tensor.stored).name +
                 ", as the model spec says");
  }
  NF_CHECK(int8 == (source.scales != nullptr), NF_INVALID_ARGUMENT,
           name_of(tensor) + ": scales belong to int8 elements, and to no others");
  const uint64_t expected = stored_bytes(static_cast<DType>(source.dtype), elements_of(tensor));
  NF_CHECK(source.num_bytes == expected, NF_INVALID_ARGUMENT,
           name_of(tensor) + ": has " + std::to_string(source.num_bytes) + " bytes, expected " +
               std::to_string(expected));
  for (uint32_t row = 0; source.scales != nullptr && row < part_of(tensor).rows; ++row) {
    const float scale = source.scales[row];
    NF_CHECK(scale >= 0 && scale <= std::numeric_limits<float>::max(), NF_INVALID_ARGUMENT,
             name_of(tensor) + ": scales[" + std::to_string(row) + "] = " + std::to_string(scale) +
                 ", allowed 0 and positive numbers");
  }
  const uint32_t group = source.paired_rows;
  NF_CHECK(group == 0 || (group % 2 == 0 && part_of(tensor).rows % group == 0), NF_INVALID_ARGUMENT,
           name_of(tensor) + ": paired_rows = " + std::to_string(group) +
               ", allowed an even part " + "of its " + std::to_string(part_of(tensor).rows) +
               " rows");
}

void WeightStore::load(uint32_t index, const nf_tensor_source& source) {
  NF_CHECK(base_ != nullptr && index < count(), NF_INVALID_ARGUMENT,
           "weight index is out of range");
  Tensor& tensor = tensors_[index];
  check_source(tensor, source);
  std::unique_ptr<MappedRange> mapped;
  if (source.path != nullptr) {
    mapped = std::make_unique<MappedRange>(source.path, source.offset, source.num_bytes);
  }
  const std::byte* data = mapped ? mapped->data() : static_cast<const std::byte*>(source.data);
  NF_CHECK(data != nullptr, NF_INVALID_ARGUMENT, name_of(tensor) + ": no data");
  store(tensor, data, source);
  tensor.loaded = true;
}

void WeightStore::store(const Tensor& tensor, const std::byte* data,
                        const nf_tensor_source& source) {
  const auto dtype = static_cast<DType>(source.dtype);
  const Weight& weight = graph_.weights[tensor.weight];
  const WeightPart& part = part_of(tensor);
  const Section& section =
      sections_[tensor.weight][weight.per_layer ? tensor.layer : 0][tensor.section];
  std::byte* target = base_ + section.offset + section.stride * part.matrix;
  if (weight.matrix) {
    backend_.pack_matrix({section.rows, weight.in, part.first_out - section.first_out, part.rows,
                          dtype, source.paired_rows, section.format, source.scales},
                         data, target);
    return;
  }
  std::vector<float> values(part.rows);
  for (uint32_t i = 0; i < part.rows; ++i) {
    values[unpaired_row(i, source.paired_rows)] = element(dtype, data, i) + weight.added;
  }
  backend_.write(target + part.first_out * sizeof(float), values.data(),
                 values.size() * sizeof(float));
}

void WeightStore::check_complete() const {
  for (const Tensor& tensor : tensors_) {
    NF_CHECK(tensor.loaded, NF_INVALID_ARGUMENT, "weight " + name_of(tensor) + " was not loaded");
  }
}

}  // namespace nf
