// Ops that work on every row by itself. In a step their rows were just made; here they come from
// memory and go there, so that there is a limit to hold them against.
#include <bit>
#include <memory>

#include "bench/case_makers.h"

namespace nf::bench {
namespace {

constexpr float kEpsilon = 1e-5f;

std::string choice_text(const Experts& experts) {
  return std::to_string(experts.slots) + " of " + std::to_string(experts.count);
}

// A case that reads source_bytes and writes target_bytes.
Case row_case(const Kernel& kernel, uint32_t width, uint32_t rows, size_t source_bytes,
              size_t target_bytes) {
  Case c{.kernel = &kernel, .shape = std::to_string(width), .rows = rows};
  c.op.out = width;
  c.op.in = width;
  c.bytes = static_cast<double>(source_bytes + target_bytes);
  c.source_bytes = source_bytes;
  c.target_bytes = target_bytes;
  c.target_goes_round = true;
  return c;
}

}  // namespace

void make_norms(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  const DType output = kernel.kind == OpKind::kRmsNorm ? DType::kBF16 : DType::kI8;
  const uint32_t rows = suite.rows;
  for (const uint32_t width : suite.widths) {
    Case c = row_case(kernel, width, rows, rows * row_bytes(DType::kF32, width),
                      rows * row_bytes(output, width));
    c.warm_bytes = row_bytes(DType::kF32, width);
    c.prepare = [=] {
      return [=](const Operands& operands) {
        OpArgs args;
        args.rms_norm = {.rows = {0, rows},
                         .gather = nullptr,
                         .x = reinterpret_cast<const float*>(operands.source),
                         .weight = reinterpret_cast<const float*>(operands.warm),
                         .out = operands.target,
                         .hidden = width,
                         .epsilon = kEpsilon};
        return args;
      };
    };
    cases.push_back(std::move(c));
  }
}

void make_quantize(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  const uint32_t rows = suite.rows;
  for (const uint32_t width : suite.widths) {
    Case c = row_case(kernel, width, rows, rows * row_bytes(DType::kBF16, width),
                      rows * row_bytes(DType::kI8, width));
    c.prepare = [=] {
      return [=](const Operands& operands) {
        OpArgs args;
        args.quantize = {
            .rows = {0, rows}, .x = operands.source, .out = operands.target, .width = width};
        return args;
      };
    };
    cases.push_back(std::move(c));
  }
}

void make_glu(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  const uint32_t rows = suite.rows;
  for (const uint32_t width : suite.widths) {
    Case c = row_case(kernel, width, rows, rows * row_bytes(DType::kF32, 2 * width),
                      rows * row_bytes(DType::kBF16, width));
    c.prepare = [=] {
      return [=](const Operands& operands) {
        OpArgs args;
        args.glu = {
            .rows = {0, rows}, .x = operands.source, .out = operands.target, .intermediate = width};
        return args;
      };
    };
    cases.push_back(std::move(c));
  }
}

void make_route(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  const uint32_t rows = suite.rows;
  for (const Experts& experts : suite.experts) {
    Case c = row_case(kernel, experts.count, rows, rows * row_bytes(DType::kF32, experts.count),
                      size_t{rows} * 2 * experts.slots * sizeof(uint32_t));
    c.shape = choice_text(experts);
    c.op.num_experts = experts.count;
    c.op.slots = experts.slots;
    c.prepare = [=] {
      return [=](const Operands& operands) {
        OpArgs args;
        args.route = {.rows = {0, rows},
                      .logits = reinterpret_cast<const float*>(operands.source),
                      .routing = reinterpret_cast<uint32_t*>(operands.target),
                      .num_experts = experts.count,
                      .slots = experts.slots,
                      .normalize = true};
        return args;
      };
    };
    cases.push_back(std::move(c));
  }
}

void make_combine_experts(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases) {
  const uint32_t rows = suite.rows;
  for (const Experts& experts : suite.experts) {
    const size_t row_size = rows * row_bytes(DType::kF32, experts.in);
    Case c = row_case(kernel, experts.in, rows, (experts.slots + 1) * row_size, row_size);
    c.shape.append(" ").append(choice_text(experts));
    c.op.num_experts = experts.count;
    c.op.slots = experts.slots;
    c.prepare = [=] {
      const float weight = 1.0f / static_cast<float>(experts.slots);
      auto routing = std::make_shared<std::vector<uint32_t>>(size_t{rows} * 2 * experts.slots,
                                                             std::bit_cast<uint32_t>(weight));
      return [=](const Operands& operands) {
        const auto* x = reinterpret_cast<const float*>(operands.source);
        OpArgs args;
        args.combine_experts = {.rows = {0, rows},
                                .outputs = x + size_t{rows} * experts.in,
                                .routing = {routing->data(), experts.slots},
                                .x = x,
                                .out = reinterpret_cast<float*>(operands.target),
                                .hidden = experts.in};
        return args;
      };
    };
    cases.push_back(std::move(c));
  }
}

}  // namespace nf::bench
