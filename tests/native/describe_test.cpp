// The facts for plans: what ops read, write and cost, and what the device is called.

#include "abi/describe.h"

#include <cmath>
#include <cstring>
#include <string>

#include "check.h"
#include "core/check.h"
#include "core/lower.h"
#include "platform/processor.h"
#include "tiny_model.h"

namespace {

// Sizes of the tiny model.
constexpr double kHidden = 64;
constexpr double kInner = 80;
constexpr double kQueryWidth = 4 * 16;
constexpr double kKvWidth = 2 * 2 * 16;  // keys and values
constexpr double kVocab = test::TinyModel::kVocab;
constexpr double kFloat = 4;  // bytes; the reference backend has nothing else

class Described {
 public:
  explicit Described(const test::TinyOptions& options) : model_(options) {}

  nf_op_info op(const std::string& name) {
    for (const nf_segment segment : {NF_SEGMENT_PROLOGUE, NF_SEGMENT_LAYER, NF_SEGMENT_EPILOGUE}) {
      const auto& ops = model_.engine().graph().ops(segment);
      for (uint32_t i = 0; i < ops.size(); ++i) {
        if (ops[i].name == name) return nf::describe_op(model_.engine(), segment, i);
      }
    }
    throw nf::Error(NF_INVALID_ARGUMENT, "the model has no op " + name);
  }

  nf::Engine& engine() { return model_.engine(); }

 private:
  test::TinyModel model_;
};

}  // namespace

TEST("a GEMM costs two FLOPs for each element of its weight, and reads the weight once") {
  Described reference({.device = NF_DEVICE_REFERENCE});
  const nf_op_info qkv = reference.op("qkv");
  const double columns = kQueryWidth + kKvWidth;
  CHECK_EQ(qkv.row_flops, 2 * kHidden * columns);
  CHECK_EQ(qkv.weight_bytes, kHidden * columns * kFloat);
  CHECK_EQ(qkv.row_bytes, (kHidden + columns) * kFloat);
  CHECK_EQ(qkv.context_flops, 0.0);
  CHECK_EQ(qkv.context_bytes, 0.0);
  // The residual is read as well.
  CHECK_EQ(reference.op("down").row_bytes, (kInner + 2 * kHidden) * kFloat);
  // On the CPU the operands are bf16: half the bytes.
  Described cpu({});
  CHECK_EQ(cpu.op("qkv").weight_bytes, kHidden * columns * 2);
  CHECK_EQ(cpu.op("qkv").row_bytes, kHidden * 2 + columns * kFloat);
}

TEST("a weight in several formats counts as packed, as the mean of its layers") {
  Described described(test::mixed_formats(NF_DEVICE_CPU));
  const nf::Backend& backend = described.engine().backend();
  const auto bytes = [&](uint32_t rows, nf::DType format) {
    return (backend.matrix_bytes(rows, 256, format) + 63) / 64 * 64;
  };
  const size_t first = bytes(48, nf::DType::kQ4_K) + bytes(16, nf::DType::kQ6_K);
  const size_t second =
      bytes(32, nf::DType::kQ8_0) + bytes(16, nf::DType::kPlain) + bytes(16, nf::DType::kQ8_0);
  CHECK_EQ(described.op("qkv").weight_bytes, static_cast<double>(first + second) / 2);
}

TEST("attention costs by attended token, with keys and values as pages have them") {
  for (const uint32_t device : {NF_DEVICE_REFERENCE, NF_DEVICE_CPU}) {
    Described described({.device = device});
    const nf::KvView& kv = described.engine().memory().kv;
    for (const char* name : {"decode_attention", "prefill_attention"}) {
      const nf_op_info op = described.op(name);
      CHECK_EQ(op.context_flops, 4 * kQueryWidth);
      CHECK_EQ(op.context_bytes, double(kv.page_bytes) / kv.page_tokens);
      CHECK_EQ(op.row_bytes, 2 * kQueryWidth * (device == NF_DEVICE_CPU ? 2 : kFloat));
      CHECK_EQ(op.weight_bytes, 0.0);
    }
  }
  Described reference({.device = NF_DEVICE_REFERENCE});
  CHECK_EQ(reference.op("decode_attention").context_bytes, kKvWidth * kFloat);
  CHECK_EQ(reference.op("rope_append").row_bytes, (kQueryWidth + kKvWidth) * 2 * kFloat);
}

TEST("ops that neither multiply nor attend cost what they read and write") {
  Described described({.device = NF_DEVICE_REFERENCE});
  const nf_op_info embedding = described.op("embedding");
  CHECK_EQ(embedding.row_bytes, 2 * kHidden * kFloat);  // a row of the table, not all of it
  CHECK_EQ(embedding.weight_bytes, 0.0);
  const nf_op_info norm = described.op("input_norm");
  CHECK_EQ(norm.row_bytes, 2 * kHidden * kFloat);
  CHECK_EQ(norm.row_flops, kHidden);
  CHECK_EQ(norm.weight_bytes, kHidden * kFloat);
  CHECK_EQ(described.op("swi_glu").row_bytes, 3 * kInner * kFloat);
  CHECK_EQ(described.op("sample").row_bytes, kVocab * kFloat);
  CHECK_EQ(described.op("sample").row_flops, kVocab);
}

TEST("an expert GEMM costs the slots of a row and reads the weights of all experts") {
  Described described({.device = NF_DEVICE_REFERENCE,
                       .architecture = "MixtralForCausalLM",
                       .experts = 5,
                       .experts_per_token = 2});
  const nf_op_info op = described.op("experts_gate_up");
  CHECK_EQ(op.row_flops, 2 * kHidden * 96 * 2);
  CHECK_EQ(op.weight_bytes, 5 * kHidden * 96 * kFloat);
  // What it reads, the routing [2 * 2], its results [2, 96] and its own order [2].
  CHECK_EQ(op.row_bytes, (kHidden + 4 + 2 * 96 + 2) * kFloat);
}

TEST("every op of every family has reads, rows and work that a search can count with") {
  const test::TinyOptions families[] = {
      {},
      {.architecture = "Gemma2ForCausalLM"},
      {.architecture = "Qwen3ForCausalLM"},
      {.architecture = "Qwen3MoeForCausalLM", .experts = 8, .experts_per_token = 3}};
  for (const test::TinyOptions& family : families) {
    test::TinyModel model(family);
    const nf::Graph& graph = model.engine().graph();
    const nf_graph_info info = nf::describe_graph(model.engine());
    for (const nf_segment segment : {NF_SEGMENT_PROLOGUE, NF_SEGMENT_LAYER, NF_SEGMENT_EPILOGUE}) {
      for (uint32_t i = 0; i < graph.ops(segment).size(); ++i) {
        const nf_op_info op = nf::describe_op(model.engine(), segment, i);
        CHECK_EQ(op.num_reads, graph.ops(segment)[i].reads.size());
        for (uint32_t r = 0; r < op.num_reads; ++r) CHECK(op.reads[r].tensor < info.num_tensors);
        CHECK(op.row_flops > 0 && op.row_bytes > 0);
        CHECK(std::isfinite(op.row_flops + op.row_bytes + op.weight_bytes));
        CHECK_EQ(op.context_bytes > 0, std::string(op.kind).ends_with("attention"));
        CHECK_EQ(op.row_part != NF_PART_ALL, op.context_flops > 0);
      }
    }
  }
}

TEST("the graph is described with the tensors that layers hand on") {
  const nf_engine_options options = test::tiny_engine_options({});
  const nf_model_spec spec = test::tiny_spec({.layers = 3});
  nf_engine* engine = nullptr;
  REQUIRE(nf_engine_create(&options, &spec, &engine) == NF_OK);
  nf_graph_info graph{};
  CHECK_EQ(nf_graph_describe(engine, &graph), NF_INVALID_ARGUMENT);
  graph.struct_size = sizeof(graph);
  CHECK_EQ(nf_graph_describe(engine, &graph), NF_OK);
  CHECK_EQ(graph.num_layers, 3u);
  CHECK_EQ(graph.run_ahead_ticks, static_cast<uint32_t>(nf::kRunAheadTicks));
  CHECK(graph.carry_in != graph.carry_out && graph.carry_out < graph.num_tensors);
  nf_op_info ops[32];
  uint32_t count = 0;
  CHECK_EQ(nf_graph_ops(engine, ops, 32, &count), NF_OK);
  REQUIRE(count > 4 && count <= 32);
  CHECK_EQ(ops[0].writes[0], graph.carry_in);
  CHECK_EQ(ops[0].writes[1], 0xffffu);
  CHECK_EQ(ops[1].reads[0].tensor, graph.carry_in);
  CHECK_EQ(ops[1].reads[0].reach, uint32_t{NF_REACH_SAME});
  CHECK_EQ(ops[count - 1].row_space, uint32_t{NF_ROWS_SAMPLE});
  nf_engine_destroy(engine);
}

TEST("the processor has a name in plain text") {
  for (const uint32_t device : {NF_DEVICE_REFERENCE, NF_DEVICE_CPU}) {
    test::TinyModel model({.device = device, .layers = 1});
    const char* name = model.engine().device().processor;
    CHECK_EQ(std::string(name), nf::processor_name());
    CHECK(std::strlen(name) > 0 && name[0] != ' ' && name[std::strlen(name) - 1] != ' ');
    for (const char* c = name; *c != '\0'; ++c) CHECK(*c >= ' ' && *c <= '~');
  }
}
