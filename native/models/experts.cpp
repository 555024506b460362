// The ops of a feed-forward of experts. Each is local to a row, so rows may be cut anywhere: the
// grouping of rows by expert happens within a nano-op, in a tensor of its own.

#include "models/experts.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/check.h"

namespace nf {

namespace {

constexpr uint32_t kMaxExpertWidth = 1u << 20;  // as wide as any layer

void check_range(uint32_t value, uint32_t low, uint32_t high, const char* name) {
  NF_CHECK(value >= low && value <= high, NF_INVALID_ARGUMENT,
           std::string("model spec: ") + name + " = " + std::to_string(value) + ", allowed " +
               std::to_string(low) + ".." + std::to_string(high));
}

class ExpertBuilder {
 public:
  ExpertBuilder(const nf_model_spec& spec, const ExpertTraits& traits, Graph& graph)
      : spec_(spec), traits_(traits), graph_(graph), slots_(spec.experts_per_token) {}

  void build(ActivationTypes types, const ExpertStream& stream) {
    const uint32_t inner = spec_.expert_intermediate;
    const TensorId logits = tensor("router_logits", DType::kF32, spec_.num_experts);
    routing_ = tensor("routing", DType::kF32, 2 * slots_);  // of 4-byte elements
    const TensorId gate_up = tensor("expert_gate_up", types.product, slots_ * 2 * inner);
    const TensorId activated = tensor("expert_activated", types.operand, slots_ * inner);
    const TensorId outputs = tensor("expert_outputs", DType::kF32, slots_ * spec_.hidden);

    route(stream.normed, logits);
    grouped_gemm("experts_gate_up", {traits_.gate, traits_.up}, {inner, spec_.hidden},
                 stream.normed, gate_up);
    Op& activation = add("experts_swi_glu", OpKind::kSwiGlu, Resource::kMemory, activated);
    activation.reads = {{gate_up, Reach::kSame}};
    activation.shape.out = inner;
    activation.shape.slots = slots_;
    grouped_gemm("experts_down", {traits_.down}, {spec_.hidden, inner}, activated, outputs);
    Op& combine = add("combine_experts", OpKind::kCombineExperts, Resource::kMemory, stream.out);
    combine.reads = {
        {outputs, Reach::kSame}, {routing_, Reach::kSame}, {stream.residual, Reach::kSame}};
    combine.shape.out = spec_.hidden;
    combine.shape.slots = slots_;
  }

 private:
  struct MatrixSize {
    uint32_t out;
    uint32_t in;
  };

  void route(TensorId normed, TensorId logits) {
    const std::string source = std::string(kLayer) + traits_.router + ".weight";
    const uint32_t experts = spec_.num_experts;
    Op& router = add("router", OpKind::kGemm, Resource::kMemory, logits);
    router.reads = {{normed, Reach::kSame}};
    router.weight =
        graph_.add_weight({"router", true, true, experts, spec_.hidden, {{source, 0, experts}}});
    router.shape.out = experts;
    router.shape.in = spec_.hidden;
    Op& op = add("route", OpKind::kRoute, Resource::kMemory, routing_);
    op.reads = {{logits, Reach::kSame}};
    op.normalize = traits_.normalize;
    op.shape.num_experts = experts;
    op.shape.slots = slots_;
  }

  // Every expert has one matrix, made of `parts` [size] one below the other.
  void grouped_gemm(const char* name, const std::vector<const char*>& parts, MatrixSize size,
                    TensorId reads, TensorId writes) {
    const auto count = static_cast<uint32_t>(parts.size());
    Weight weight{name, true, true, count * size.out, size.in, {}};
    weight.count = static_cast<uint16_t>(spec_.num_experts);
    for (uint16_t expert = 0; expert < weight.count; ++expert) {
      const std::string prefix = kLayer + (traits_.experts + std::to_string(expert)) + ".";
      for (uint32_t i = 0; i < count; ++i) {
        weight.parts.push_back({prefix + parts[i] + ".weight", i * size.out, size.out, expert});
      }
    }
    Op& op = add(name, OpKind::kGroupedGemm, Resource::kCompute, writes);
    op.reads = {{reads, Reach::kSame}, {routing_, Reach::kSame}};
    op.writes2 = tensor((std::string(name) + "_order").c_str(), DType::kF32, slots_);
    op.shape.out = weight.out;
    op.shape.in = weight.in;
    op.shape.num_experts = spec_.num_experts;
    op.shape.slots = slots_;
    op.weight = graph_.add_weight(std::move(weight));
  }

  Op& add(const char* name, OpKind kind, Resource resource, TensorId writes) {
    Op& op = graph_.add_op(NF_SEGMENT_LAYER, name, kind, resource);
    op.writes = writes;
    return op;
  }

  TensorId tensor(const char* name, DType dtype, uint32_t width) {
    return graph_.add_tensor(name, RowSpace::kToken, dtype, width);
  }

  static constexpr const char* kLayer = "model.layers.{}.";

  const nf_model_spec& spec_;
  const ExpertTraits& traits_;
  Graph& graph_;
  uint32_t slots_;
  TensorId routing_ = kNone;
};

}  // namespace

void check_experts(const nf_model_spec& spec) {
  check_range(spec.num_experts, 1, NF_MAX_EXPERTS, "num_experts");
  check_range(spec.experts_per_token, 1,
              std::min<uint32_t>(NF_MAX_EXPERTS_PER_TOKEN, spec.num_experts), "experts_per_token");
  check_range(spec.expert_intermediate, 2, kMaxExpertWidth, "expert_intermediate");
  NF_CHECK(spec.expert_intermediate % 2 == 0, NF_INVALID_ARGUMENT,
           "model spec: expert_intermediate = " + std::to_string(spec.expert_intermediate) +
               ", an even number is wanted");
}

void add_experts(const nf_model_spec& spec, const ExpertTraits& traits, ActivationTypes types,
                 const ExpertStream& stream, Graph& graph) {
  ExpertBuilder(spec, traits, graph).build(types, stream);
}

}  // namespace nf
