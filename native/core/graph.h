// The graph of a model: prologue, one layer, epilogue. Write-once; edges follow from tensors.
//
// Every tensor has a row space and every read a reach, so that dependencies between row ranges can
// be derived: rows [b, e) of a reader need rows [b, e) (same), [0, e) (prefix) or all rows of what
// it reads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend.h"
#include "op.h"

namespace nf {

enum class Reach : uint8_t { kSame, kPrefix, kAll };

enum class RowSpace : uint8_t {
  kToken,     // rows of the step
  kSample,    // sampled rows
  kSequence,  // sequences of the step
  kKvPage,    // rows of the step as appended to the KV pages: outlives the step, not in the arena
};

using TensorId = uint16_t;
using WeightId = uint16_t;
constexpr uint16_t kNone = 0xffff;

struct TensorInfo {
  std::string name;
  RowSpace space;
  DType dtype;
  uint32_t width;  // elements of a row
};

struct Read {
  TensorId tensor;
  Reach reach;
};

struct Op {
  std::string name;
  OpKind kind;
  Resource resource;
  nf_segment segment;
  RowSpace rows = RowSpace::kToken;  // what its row ranges count
  std::vector<Read> reads;
  TensorId writes = kNone;   // kNone: results leave through the batch
  TensorId writes2 = kNone;  // rope_append: the KV pages; grouped_gemm: its own order of rows
  WeightId weight = kNone;
  WeightId bias = kNone;
  bool gather = false;     // reads x through the sample rows
  bool gated = false;      // waits for the release of its step
  bool normalize = false;  // route: the weights of a row are scaled to a sum of 1
  float scale = 1;         // of embedding rows, or of q
  float softcap = 0;       // of attention scores, or of a GEMM's results; 0: none
  OpShape shape;
};

// A weight of the model: assembled from one or several checkpoint tensors along its output rows;
// with experts, one matrix for each of them.
struct WeightPart {
  std::string source;  // checkpoint name; "{}" stands for the layer
  uint32_t first_out;
  uint32_t rows;
  uint16_t matrix = 0;  // index among those of the weight
};

struct Weight {
  std::string name;
  bool per_layer;
  bool matrix;  // false: a vector, kept as fp32
  uint32_t out;
  uint32_t in;  // 1 for vectors
  std::vector<WeightPart> parts;
  float added = 0;     // to every element of a vector when it is loaded
  uint16_t count = 1;  // matrices [out, in] packed one after the other, one for each expert
  DType format = DType::kPlain;  // or int8, into which plain sources are rounded
};

// The sizes that kernels and buffers depend on.
struct ModelDims {
  uint32_t num_layers = 0;
  uint32_t hidden = 0;
  uint32_t num_heads = 0;
  uint32_t num_kv_heads = 0;
  uint32_t head_dim = 0;
  uint32_t intermediate = 0;
  uint32_t vocab = 0;
  float rms_norm_eps = 0;
};

class Graph {
 public:
  ModelDims dims;
  std::vector<TensorInfo> tensors;
  std::vector<Op> segments[3];  // by nf_segment
  std::vector<Weight> weights;
  std::vector<uint32_t> layer_windows;  // by layer, 0: none; empty: no layer has one
  TensorId carry_in = kNone;            // written by the prologue, read by the layer
  TensorId carry_out = kNone;  // written by the layer, read by the next layer and the epilogue

  const std::vector<Op>& ops(nf_segment segment) const { return segments[segment]; }

  // Tokens that a row of the layer attends, itself included; 0: all before it.
  uint32_t window(uint32_t layer) const { return layer_windows.empty() ? 0 : layer_windows[layer]; }

  TensorId add_tensor(std::string name, RowSpace space, DType dtype, uint32_t width);
  WeightId add_weight(Weight weight);
  Op& add_op(nf_segment segment, std::string name, OpKind kind, Resource resource);

  // Of ops, tensors, windows and weights with their shapes and dtypes. FNV-1a, stable across
  // builds.
  uint64_t hash() const;
};

}  // namespace nf
