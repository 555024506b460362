#include "bench/case.h"

#include <iterator>

#include "bench/case_makers.h"
#include "core/check.h"

namespace nf::bench {
namespace {

// By OpKind.
constexpr MakeCases kMakers[] = {
    make_embedding,          // kEmbedding
    make_norms,              // kRmsNorm
    make_norms,              // kRmsNormQuantize
    make_quantize,           // kQuantize
    make_products,           // kGemm
    make_products,           // kGemmSwiGlu
    make_products,           // kGemmGeGlu
    make_rope_append,        // kRopeAppend
    make_decode_attention,   // kDecodeAttention
    make_prefill_attention,  // kPrefillAttention
    make_glu,                // kSwiGlu
    make_glu,                // kGeGlu
    make_route,              // kRoute
    make_grouped_products,   // kGroupedGemm
    make_combine_experts,    // kCombineExperts
    make_sample,             // kSample
    make_echo,               // kEcho
    make_pool,               // kPool
};
static_assert(std::size(kMakers) == size_t(OpKind::kCount));

}  // namespace

// The layers are those of SmolLM-135M and of Llama-3.2-1B: qkv, o, gate_up, down, then the head.
Suite full_suite() {
  return {.product_rows = {1, 8, 32, 128, 512},
          .matrices = {{4096, 4096}},
          .layer_matrices = {{960, 576},
                             {576, 576},
                             {3072, 576},
                             {576, 1536},
                             {3072, 2048},
                             {2048, 2048},
                             {16384, 2048},
                             {2048, 8192}},
          .head_matrices = {{49152, 576}, {128256, 2048}},
          .experts = {{32, 4, 1536, 2048}},
          .heads = {{32, 8, 128}, {9, 3, 64}},
          .decode_rows = 16,
          .decode_context = 2048,
          .prefill_rows = 512,
          .prefill_context = 1024,
          .rows = 128,
          .widths = {576, 2048, 4096},
          .vocabularies = {{49152, 576}, {128256, 2048}},
          .samples = 16};
}

std::vector<Case> make_cases(std::span<const Kernel> table, const Suite& suite) {
  std::vector<Case> cases;
  for (const Kernel& kernel : table) kMakers[size_t(kernel.kind)](kernel, suite, cases);
  std::erase_if(cases, [](const Case& c) { return !c.kernel->supports(c.op); });
  return cases;
}

}  // namespace nf::bench
