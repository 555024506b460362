// Weights in block formats and in int8: what a model spec and a source may say, where the bytes go,
// and that stored orders of rows are undone.
#include "models/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "check.h"
#include "core/block_formats.h"
#include "core/check.h"
#include "models/models.h"
#include "tiny_model.h"

namespace {

constexpr uint32_t kHidden = 256;
constexpr uint32_t kDevices[] = {NF_DEVICE_REFERENCE, NF_DEVICE_CPU};
const char* const kQuery = "model.layers.0.self_attn.q_proj.weight";
const char* const kValue = "model.layers.0.self_attn.v_proj.weight";

// The weights of a tiny model with some formats.
struct Weights {
  Weights(uint32_t device, std::vector<nf_tensor_format> formats_in, bool bias = false)
      : formats(std::move(formats_in)), backend(test::open_device(device, 1)) {
    nf_model_spec spec = test::tiny_spec({.layers = 2, .bias = bias});
    spec.hidden = kHidden;
    spec.formats = formats.data();
    spec.num_formats = static_cast<uint32_t>(formats.size());
    graph = nf::build_graph(spec, backend->activation_types());
    store = std::make_unique<nf::WeightStore>(graph, *backend, spec);
  }

  uint32_t index_of(const std::string& name) const {
    for (uint32_t i = 0; i < store->count(); ++i) {
      nf_weight_info info;
      store->describe(i, info);
      if (name == info.name) return i;
    }
    test::abandon(__FILE__, __LINE__, "no weight " + name);
  }

  void load(const std::string& name, uint32_t dtype, const std::vector<std::byte>& bytes,
            uint32_t paired_rows = 0) {
    nf_tensor_source source{};
    source.struct_size = sizeof(source);
    source.dtype = dtype;
    source.data = bytes.data();
    source.num_bytes = bytes.size();
    source.paired_rows = paired_rows;
    store->load(index_of(name), source);
  }

  std::vector<nf_tensor_format> formats;
  std::unique_ptr<nf::Backend> backend;
  nf::Graph graph;
  std::unique_ptr<nf::WeightStore> store;
};

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const nf::Error& error) {
    return error.what();
  }
  return "accepted";
}

void check_refused(const std::vector<nf_tensor_format>& formats, const char* reason) {
  const std::string said = refusal([&] { Weights weights(NF_DEVICE_CPU, formats); });
  if (said.find(reason) == std::string::npos) FAIL(said + " does not say " + reason);
}

}  // namespace

TEST("formats that do not fit the model are refused") {
  check_refused({{"model.layers.9.x", NF_DTYPE_Q8_0, 0}}, "no weight model.layers.9.x");
  check_refused({{kQuery, NF_DTYPE_Q8_0, 0}, {kQuery, NF_DTYPE_Q4_0, 0}}, "listed twice");
  check_refused({{kQuery, NF_DTYPE_BF16, 0}}, "not a known block format");
  check_refused({{kQuery, NF_DTYPE_Q8_0 + 256, 0}}, "not a known block format");
  check_refused({{nullptr, NF_DTYPE_Q8_0, 0}}, "a name is NULL");
  check_refused({{"model.norm.weight", NF_DTYPE_Q8_0, 0}}, "is a vector");
  // 64 columns: two blocks of 32, but not one of 256.
  check_refused({{"model.layers.1.self_attn.o_proj.weight", NF_DTYPE_Q6_K, 0}},
                "has shape [256, 64], and blocks of q6_k take 256");
  check_refused(std::vector<nf_tensor_format>(1000, {kQuery, NF_DTYPE_Q8_0, 0}),
                "num_formats = 1000, allowed 0..");
}

TEST("a source must have the format that was named, and its bytes") {
  for (const uint32_t device : kDevices) {
    Weights weights(device, {{kQuery, NF_DTYPE_Q4_K, 0}});
    weights.store->allocate();
    const size_t bytes = 64 * sizeof(nf::Q4_KBlock);
    const auto said = [&](const char* name, uint32_t dtype, size_t size, uint32_t pairs = 0) {
      return refusal([&] { weights.load(name, dtype, std::vector<std::byte>(size), pairs); });
    };
    CHECK_EQ(said(kQuery, NF_DTYPE_Q4_K, bytes), "accepted");
    CHECK(said(kQuery, NF_DTYPE_Q4_K, bytes - 1).find("expected 9216") != std::string::npos);
    CHECK(said(kQuery, NF_DTYPE_Q6_K, bytes).find("not q4_k") != std::string::npos);
    CHECK(said(kQuery, NF_DTYPE_BF16, 64 * 512).find("not q4_k") != std::string::npos);
    CHECK(said(kValue, NF_DTYPE_Q4_K, bytes).find("names no block format") != std::string::npos);
    for (const uint32_t group : {7u, 24u, 128u}) {
      CHECK(said(kQuery, NF_DTYPE_Q4_K, bytes, group).find("paired_rows") != std::string::npos);
    }
  }
}

TEST("int8 elements come with a scale for each row, where the model keeps them") {
  for (const uint32_t device : kDevices) {
    const auto backend = test::open_device(device, 1);
    const auto said = [&](uint32_t flags, uint32_t dtype, const std::vector<float>& scales) {
      const nf_model_spec spec = test::tiny_spec({.layers = 1, .int8 = flags});
      const nf::Graph graph = nf::build_graph(spec, backend->activation_types());
      nf::WeightStore store(graph, *backend, spec);
      store.allocate();
      const std::vector<std::byte> bytes(64 * 64 * (dtype == NF_DTYPE_I8 ? 1 : 2));
      nf_tensor_source source{};
      source.struct_size = sizeof(source);
      source.dtype = dtype;
      source.data = bytes.data();
      source.num_bytes = bytes.size();
      source.scales = scales.empty() ? nullptr : scales.data();
      for (uint32_t i = 0; i < store.count(); ++i) {
        nf_weight_info info;
        store.describe(i, info);
        if (std::string(info.name) == kQuery) return refusal([&] { store.load(i, source); });
      }
      return std::string("no such weight");
    };
    const auto says = [&](const std::string& text, const char* part) {
      return text.find(part) != std::string::npos;
    };
    const std::vector<float> ones(64, 1.0f);
    std::vector<float> broken = ones;
    CHECK_EQ(said(NF_MODEL_INT8_LAYERS, NF_DTYPE_I8, ones), "accepted");
    CHECK_EQ(said(NF_MODEL_INT8_LAYERS, NF_DTYPE_BF16, {}), "accepted");
    CHECK(says(said(NF_MODEL_INT8_LAYERS, NF_DTYPE_BF16, ones), "scales belong to int8"));
    CHECK(says(said(NF_MODEL_INT8_LAYERS, NF_DTYPE_I8, {}), "scales belong to int8"));
    CHECK(says(said(NF_MODEL_INT8_HEAD, NF_DTYPE_I8, ones), "does not keep it so"));
    for (const float scale : {-1.0f, NAN, INFINITY}) {
      broken[63] = scale;
      CHECK(says(said(NF_MODEL_INT8_LAYERS, NF_DTYPE_I8, broken), "q_proj.weight: scales[63] = "));
    }
  }
}

TEST("a weight of several formats has a section for each run of them") {
  Weights weights(NF_DEVICE_CPU, {{kQuery, NF_DTYPE_Q4_K, 0}, {kValue, NF_DTYPE_Q6_K, 0}});
  Weights plain(NF_DEVICE_CPU, {});
  CHECK(weights.store->hash() != plain.store->hash());
  CHECK_EQ(plain.store->hash(), plain.graph.hash());
  weights.store->allocate();
  const auto views = weights.store->views();
  const auto& layers = views[weights.graph.ops(NF_SEGMENT_LAYER)[1].weight];
  REQUIRE(layers.size() == 2 && layers[0].size() == 3 && layers[1].size() == 1);
  const uint32_t first_out[] = {0, 64, 96};
  const nf::DType formats[] = {nf::DType::kQ4_K, nf::DType::kPlain, nf::DType::kQ6_K};
  for (size_t i = 0; i < 3; ++i) {
    CHECK_EQ(layers[0][i].first_out, first_out[i]);
    CHECK(layers[0][i].view.format == formats[i]);
  }
  CHECK(weights.store->packed_bytes() < plain.store->packed_bytes());
}

TEST("the memory plan is what the sections of all weights take") {
  for (const uint32_t device : kDevices) {
    const test::TinyOptions options = test::mixed_formats(device);
    const nf_engine_options engine_options = test::tiny_engine_options(options);
    const nf_memory memory = nf::Engine::plan_memory(engine_options, test::tiny_spec(options));
    test::TinyModel model(options);
    nf::Engine& engine = model.engine();
    CHECK_EQ(memory.weights, engine.weights().packed_bytes());
    uint64_t bytes = 0;
    const std::byte* next = nullptr;
    for (nf::WeightId id = 0; id < engine.graph().weights.size(); ++id) {
      for (const auto& layer : engine.memory().weights[id]) {
        for (const nf::WeightSection& section : layer) {
          const nf::WeightView& view = section.view;
          const auto* data = static_cast<const std::byte*>(view.data);
          CHECK(next == nullptr || data == next);
          const size_t size = engine.graph().weights[id].matrix
                                  ? engine.backend().matrix_bytes(view.out, view.in, view.format)
                                  : view.out * sizeof(float);
          bytes += (size + 63) / 64 * 64;
          next = data + (size + 63) / 64 * 64;
        }
      }
    }
    CHECK_EQ(bytes, memory.weights);
  }
}

TEST("rows and biases stored in pairs are loaded in their own order") {
  constexpr uint32_t kGroup = 16;
  Weights weights(NF_DEVICE_REFERENCE, {}, true);
  weights.store->allocate();
  std::vector<float> matrix(64 * kHidden);
  std::vector<float> bias(64);
  for (uint32_t row = 0; row < 64; ++row) {
    std::fill_n(matrix.begin() + row * kHidden, kHidden, float(row));
    bias[row] = float(row);
  }
  const auto bytes = [](const std::vector<float>& values) {
    const auto* data = reinterpret_cast<const std::byte*>(values.data());
    return std::vector<std::byte>(data, data + 4 * values.size());
  };
  weights.load(kQuery, NF_DTYPE_F32, bytes(matrix), kGroup);
  weights.load("model.layers.0.self_attn.q_proj.bias", NF_DTYPE_F32, bytes(bias), kGroup);
  const auto views = weights.store->views();
  const nf::Op& qkv = weights.graph.ops(NF_SEGMENT_LAYER)[1];
  const auto* packed = static_cast<const float*>(views[qkv.weight][0][0].view.data);
  const auto* packed_bias = static_cast<const float*>(views[qkv.bias][0][0].view.data);
  for (uint32_t row = 0; row < 64; ++row) {
    const uint32_t target = nf::unpaired_row(row, kGroup);
    CHECK_EQ(packed[target * kHidden], float(row));
    CHECK_EQ(packed_bias[target], float(row));
  }
}
