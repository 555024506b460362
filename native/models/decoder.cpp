// The graph of a decoder. x is the residual stream: x_in enters a layer, x_mid follows attention,
// x_out leaves it.

#include "models/decoder.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "models/experts.h"

namespace nf {

namespace {

class DecoderBuilder {
 public:
  DecoderBuilder(const nf_model_spec& spec, const DecoderTraits& traits, ActivationTypes types,
                 Graph& graph)
      : spec_(spec),
        traits_(traits),
        types_(types),
        graph_(graph),
        q_width_(spec.num_heads * spec.head_dim),
        kv_width_(spec.num_kv_heads * spec.head_dim),
        int8_layers_((spec.flags & NF_MODEL_INT8_LAYERS) != 0),
        int8_head_((spec.flags & NF_MODEL_INT8_HEAD) != 0) {}

  void build() {
    x_in_ = tensor("x_in", DType::kF32, spec_.hidden);
    x_out_ = tensor("x_out", DType::kF32, spec_.hidden);
    graph_.carry_in = x_in_;
    graph_.carry_out = x_out_;
    const bool tied = (spec_.flags & NF_MODEL_TIED_EMBEDDINGS) != 0;
    embedding_ = table("embedding", "model.embed_tokens.weight", tied && int8_head_);
    head_ = tied ? embedding_ : table("lm_head", "lm_head.weight", int8_head_);
    prologue();
    attention();
    traits_.experts == nullptr ? mlp() : experts();
    epilogue();
  }

 private:
  void prologue() {
    Op& op = graph_.add_op(NF_SEGMENT_PROLOGUE, "embedding", OpKind::kEmbedding, Resource::kMemory);
    op.weight = embedding_;
    op.writes = x_in_;
    op.shape.out = spec_.hidden;
    op.scale = spec_.embedding_scale > 0 ? spec_.embedding_scale : 1.0f;
  }

  void attention() {
    const std::string layer = "model.layers.{}.";
    const TensorId normed = tensor("attention_input", layer_input(), spec_.hidden);
    const TensorId qkv = tensor("qkv", product(traits_.qkv_bias), q_width_ + 2 * kv_width_);
    const TensorId q = tensor("q", types_.operand, q_width_);
    const TensorId kv = graph_.add_tensor("kv", RowSpace::kKvPage, types_.operand, 2 * kv_width_);
    const TensorId heads = tensor("attention_output", types_.operand, q_width_);
    x_mid_ = tensor("x_mid", DType::kF32, spec_.hidden);

    norm(NF_SEGMENT_LAYER, "input_norm", layer + "input_layernorm.weight", x_in_, normed, true);
    const std::string projection = layer + "self_attn.";
    std::vector<Projection> parts = {{projection + "q_proj", q_width_},
                                     {projection + "k_proj", kv_width_},
                                     {projection + "v_proj", kv_width_}};
    if (traits_.fused_projections) {
      parts = {{projection + "qkv_proj", q_width_ + 2 * kv_width_}};
    }
    gemm("qkv", parts, spec_.hidden, traits_.qkv_bias, {{normed, Reach::kSame}}, qkv);

    Op& rope =
        graph_.add_op(NF_SEGMENT_LAYER, "rope_append", OpKind::kRopeAppend, Resource::kMemory);
    rope.reads = {{qkv, Reach::kSame}};
    rope.writes = q;
    rope.writes2 = kv;
    rope.shape = attention_shape();
    rope.scale = spec_.query_scale > 0 ? spec_.query_scale
                                       : 1.0f / std::sqrt(static_cast<float>(spec_.head_dim));
    if (traits_.qk_norm) rope.weight = qk_norm(projection);

    // A decode row needs only its own appended row; a prefill row also those before it.
    attend("decode_attention", OpKind::kDecodeAttention, Resource::kMemory, q, {kv, Reach::kSame},
           heads);
    attend("prefill_attention", OpKind::kPrefillAttention, Resource::kCompute, q,
           {kv, Reach::kPrefix}, heads);
    const Projection output{projection + "o_proj", spec_.hidden};
    const Input attended = as_layer_input({heads, q_width_}, "attention_output");
    add_to_stream("attention_projection", output, attended, traits_.output_bias,
                  layer + "post_attention_layernorm.weight", {x_in_, x_mid_});
  }

  void mlp() {
    const std::string layer = "model.layers.{}.";
    const TensorId normed = tensor("mlp_input", layer_input(), spec_.hidden);
    const TensorId activated = tensor("activated", types_.operand, spec_.intermediate);
    const bool bias = traits_.mlp_bias;

    // With norms behind attention and feed-forward, its old name is that of another one.
    const char* source =
        traits_.post_norms ? "pre_feedforward_layernorm" : "post_attention_layernorm";
    norm(NF_SEGMENT_LAYER, "mlp_norm", layer + source + ".weight", x_mid_, normed, true);
    std::vector<Projection> both = {{layer + "mlp.gate_proj", spec_.intermediate},
                                    {layer + "mlp.up_proj", spec_.intermediate}};
    if (traits_.fused_projections) both = {{layer + "mlp.gate_up_proj", 2 * spec_.intermediate}};
    if (ends_in_glu()) {
      const bool swi_glu = traits_.activation == OpKind::kSwiGlu;
      gemm("gate_up", both, spec_.hidden, bias, {{normed, Reach::kSame}}, activated).kind =
          swi_glu ? OpKind::kGemmSwiGlu : OpKind::kGemmGeGlu;
    } else {
      const TensorId gate_up = tensor("gate_up", product(bias), 2 * spec_.intermediate);
      gemm("gate_up", both, spec_.hidden, bias, {{normed, Reach::kSame}}, gate_up);
      Op& op = graph_.add_op(NF_SEGMENT_LAYER, kOpKindNames[size_t(traits_.activation)],
                             traits_.activation, Resource::kMemory);
      op.reads = {{gate_up, Reach::kSame}};
      op.writes = activated;
      op.shape.out = spec_.intermediate;
    }

    const Projection down{layer + "mlp.down_proj", spec_.hidden};
    add_to_stream("down", down, as_layer_input({activated, spec_.intermediate}, "activated"), bias,
                  layer + "post_feedforward_layernorm.weight", {x_mid_, x_out_});
  }

  // Gate and up in one kernel with their activation: weights in block formats may have a format
  // each.
  bool ends_in_glu() const {
    return types_.glu_columns != 0 && spec_.num_formats == 0 &&
           spec_.intermediate % types_.glu_columns == 0;
  }

  void experts() {
    const TensorId normed = tensor("mlp_input", types_.operand, spec_.hidden);
    norm(NF_SEGMENT_LAYER, "mlp_norm", "model.layers.{}.post_attention_layernorm.weight", x_mid_,
         normed, true);
    add_experts(spec_, *traits_.experts, types_, {normed, x_mid_, x_out_}, graph_);
  }

  void epilogue() {
    const TensorId normed = graph_.add_tensor(
        "head_input", RowSpace::kSample, int8_head_ ? DType::kI8 : types_.operand, spec_.hidden);
    const TensorId logits =
        graph_.add_tensor("logits", RowSpace::kSample, DType::kF32, spec_.vocab);
    Op& final_norm =
        norm(NF_SEGMENT_EPILOGUE, "final_norm", "model.norm.weight", x_out_, normed, false);
    final_norm.reads[0].reach = Reach::kAll;
    final_norm.gather = true;
    final_norm.rows = RowSpace::kSample;
    const WeightId final_norm_weight = final_norm.weight;

    Op& head = graph_.add_op(NF_SEGMENT_EPILOGUE, "lm_head", OpKind::kGemm, Resource::kMemory);
    head.rows = RowSpace::kSample;
    head.reads = {{normed, Reach::kSame}};
    head.writes = logits;
    head.weight = head_;
    head.shape.out = spec_.vocab;
    head.shape.in = spec_.hidden;
    head.softcap = spec_.logit_softcap;

    pool(final_norm_weight);

    Op& sample = graph_.add_op(NF_SEGMENT_EPILOGUE, "sample", OpKind::kSample, Resource::kMemory);
    sample.rows = RowSpace::kSample;
    sample.reads = {{logits, Reach::kSame}};
    sample.gated = true;
    sample.shape.out = spec_.vocab;
  }

  // Before sampling, which waits for the release of the step.
  void pool(WeightId final_norm) {
    Op& op = graph_.add_op(NF_SEGMENT_EPILOGUE, "pool", OpKind::kPool, Resource::kMemory);
    op.rows = RowSpace::kSequence;
    op.reads = {{x_out_, Reach::kAll}};
    op.weight = final_norm;
    op.shape.out = spec_.hidden;
  }

  // One checkpoint matrix among those that a GEMM reads as one.
  struct Projection {
    std::string name;  // without ".weight"
    uint32_t out;
  };

  Op& gemm(const std::string& name, const std::vector<Projection>& parts, uint32_t in, bool bias,
           std::vector<Read> reads, TensorId writes) {
    Weight weight{name, true, true, 0, in, {}};
    if (int8_layers_) weight.format = DType::kI8;
    Weight offsets{name + "_bias", true, false, 0, 1, {}};
    for (const Projection& part : parts) {
      weight.parts.push_back({part.name + ".weight", weight.out, part.out});
      offsets.parts.push_back({part.name + ".bias", weight.out, part.out});
      weight.out += part.out;
    }
    offsets.out = weight.out;
    Op& op = graph_.add_op(NF_SEGMENT_LAYER, name, OpKind::kGemm, Resource::kCompute);
    op.reads = std::move(reads);
    op.writes = writes;
    op.shape.out = weight.out;
    op.shape.in = in;
    op.weight = graph_.add_weight(std::move(weight));
    if (bias) op.bias = graph_.add_weight(std::move(offsets));
    return op;
  }

  struct Input {
    TensorId tensor;
    uint32_t width;
  };

  // Of what the GEMMs of a layer read.
  DType layer_input() const { return int8_layers_ ? DType::kI8 : types_.operand; }

  // An operand tensor as the GEMMs of a layer read it.
  Input as_layer_input(Input input, const std::string& name) {
    if (!int8_layers_) return input;
    const std::string quantized = name + "_int8";
    Op& op = graph_.add_op(NF_SEGMENT_LAYER, quantized, OpKind::kQuantize, Resource::kMemory);
    op.reads = {{input.tensor, Reach::kSame}};
    op.writes = tensor(quantized.c_str(), DType::kI8, input.width);
    op.shape.out = input.width;
    return {op.writes, input.width};
  }

  struct Stream {
    TensorId reads;
    TensorId writes;
  };

  // stream.writes = stream.reads + a projection of the input, normed by `post_norm` if the model
  // has such norms.
  void add_to_stream(const std::string& name, const Projection& part, Input input, bool bias,
                     const std::string& post_norm, Stream stream) {
    const Read x{input.tensor, Reach::kSame};
    const Read residual{stream.reads, Reach::kSame};
    if (!traits_.post_norms) {
      gemm(name, {part}, input.width, bias, {x, residual}, stream.writes);
      return;
    }
    const TensorId projected = tensor((name + "_out").c_str(), DType::kF32, part.out);
    gemm(name, {part}, input.width, bias, {x}, projected);
    norm(NF_SEGMENT_LAYER, name + "_norm", post_norm, projected, stream.writes, true)
        .reads.push_back(residual);
  }

  Op& norm(nf_segment segment, const std::string& name, const std::string& source, TensorId reads,
           TensorId writes, bool per_layer) {
    Weight weight{
        name, per_layer, false, spec_.hidden, 1, {{source, 0, spec_.hidden}}, traits_.norm_offset};
    const bool quantize = graph_.tensors[writes].dtype == DType::kI8;
    Op& op = graph_.add_op(segment, name, quantize ? OpKind::kRmsNormQuantize : OpKind::kRmsNorm,
                           Resource::kMemory);
    op.reads = {{reads, Reach::kSame}};
    op.writes = writes;
    op.weight = graph_.add_weight(std::move(weight));
    op.shape.out = spec_.hidden;
    return op;
  }

  // Both vectors as one weight: [2, D], of the queries and of the keys.
  WeightId qk_norm(const std::string& attention) {
    const uint32_t dim = spec_.head_dim;
    return graph_.add_weight(
        {"qk_norm",
         true,
         false,
         2 * dim,
         1,
         {{attention + "q_norm.weight", 0, dim}, {attention + "k_norm.weight", dim, dim}}});
  }

  void attend(const char* name, OpKind kind, Resource resource, TensorId q, Read kv,
              TensorId writes) {
    Op& op = graph_.add_op(NF_SEGMENT_LAYER, name, kind, resource);
    op.reads = {{q, Reach::kSame}, kv};
    op.writes = writes;
    op.shape = attention_shape();
    op.softcap = spec_.attention_softcap;
  }

  OpShape attention_shape() const {
    OpShape shape;
    shape.out = q_width_;
    shape.head_dim = spec_.head_dim;
    shape.num_heads = spec_.num_heads;
    shape.num_kv_heads = spec_.num_kv_heads;
    return shape;
  }

  // Of a product that a bias is added to: before it is rounded.
  DType product(bool has_bias) const { return has_bias ? DType::kF32 : types_.product; }

  TensorId tensor(const char* name, DType dtype, uint32_t width) {
    return graph_.add_tensor(name, RowSpace::kToken, dtype, width);
  }

  // [vocabulary, hidden]
  WeightId table(const char* name, const char* source, bool int8) {
    Weight weight{name, false, true, spec_.vocab, spec_.hidden, {{source, 0, spec_.vocab}}};
    if (int8) weight.format = DType::kI8;
    return graph_.add_weight(std::move(weight));
  }

  const nf_model_spec& spec_;
  const DecoderTraits& traits_;
  ActivationTypes types_;
  Graph& graph_;
  uint32_t q_width_;
  uint32_t kv_width_;
  TensorId x_in_ = kNone;
  TensorId x_mid_ = kNone;
  TensorId x_out_ = kNone;
  WeightId embedding_ = kNone;
  WeightId head_ = kNone;
  bool int8_layers_;
  bool int8_head_;
};

}  // namespace

void build_decoder(const nf_model_spec& spec, const DecoderTraits& traits, ActivationTypes types,
                   Graph& graph) {
  if (traits.experts != nullptr) check_experts(spec);
  NF_CHECK(traits.experts != nullptr || spec.num_experts == 0, NF_INVALID_ARGUMENT,
           "model spec: num_experts = " + std::to_string(spec.num_experts) +
               ", but the architecture has no experts");
  constexpr uint32_t kInt8 = NF_MODEL_INT8_LAYERS | NF_MODEL_INT8_HEAD;
  NF_CHECK((spec.flags & kInt8) == 0 || (spec.num_experts == 0 && spec.num_formats == 0),
           NF_UNSUPPORTED,
           "model spec: flags " + std::to_string(spec.flags) +
               " ask for int8: there are no int8 kernels for models with experts (num_experts = " +
               std::to_string(spec.num_experts) +
               "), and weights in block formats stay in them (num_formats = " +
               std::to_string(spec.num_formats) + ")");
  DecoderBuilder(spec, traits, types, graph).build();
}

}  // namespace nf
