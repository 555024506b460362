#include "bench/memory.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/check.h"

namespace nf::bench {
namespace {

constexpr size_t kAlignment = 256;
constexpr size_t kChunk = size_t{1} << 20;

// A well mixed number for every place (splitmix64).
uint64_t mix(uint64_t place) {
  uint64_t z = (place + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// value(place) for every place of memory that holds elements of type T.
template <typename T, typename Value>
void fill(std::span<std::byte> memory, Lane& lane, Value value) {
  const auto chunks = static_cast<uint32_t>((memory.size() + kChunk - 1) / kChunk);
  auto* elements = reinterpret_cast<T*>(memory.data());
  lane.for_each(chunks, [&](uint32_t chunk, uint32_t) {
    const size_t end = std::min(memory.size(), (size_t{chunk} + 1) * kChunk) / sizeof(T);
    for (size_t i = size_t{chunk} * kChunk / sizeof(T); i < end; ++i) elements[i] = value(i);
  });
}

// Between 2^-7 and 2 as bf16, 1 and 2 as fp16, 2^-7 and 2 as fp32: nothing that is read from here
// is slow to compute with, and no sum of products overflows.
void fill_numbers(std::span<std::byte> memory, Lane& lane) {
  constexpr uint64_t kFirst = 0x3c003c003c003c00u;
  constexpr uint64_t kMask = 0x03ff03ff03ff03ffu;
  fill<uint64_t>(memory, lane, [](size_t i) { return kFirst + (mix(i) & kMask); });
}

// Normally distributed with a deviation of 3.
void fill_logits(std::span<std::byte> memory, Lane& lane) {
  constexpr size_t kDraws = size_t{1} << 16;
  constexpr double kDeviation = 3;
  std::vector<float> draws(kDraws);
  for (size_t i = 0; i < kDraws; ++i) {  // Box-Muller
    const double radius = std::sqrt(-2 * std::log((static_cast<double>(i) + 0.5) / kDraws));
    const double angle = static_cast<double>(mix(i) >> 11) * 0x1p-53 * 6.283185307179586;
    draws[i] = static_cast<float>(kDeviation * radius * std::cos(angle));
  }
  fill<float>(memory, lane, [&](size_t i) { return draws[mix(i) % kDraws]; });
}

// The part of `memory` whose turn it is.
std::byte* part_of(std::span<std::byte> memory, size_t bytes, uint64_t turn) {
  const size_t stride = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (stride == 0) return memory.data();
  const size_t parts = std::max<size_t>(memory.size() / stride, 1);
  return memory.data() + turn % parts * stride;
}

}  // namespace

Memory::Memory(std::span<std::byte> numbers, std::span<std::byte> results, Lane& lane)
    : numbers_(numbers), results_(results) {
  fill_numbers(numbers_, lane);
}

size_t Memory::number_bytes(const Case& c) {
  return std::max(c.warm_bytes, c.source == Source::kNumbers ? c.source_bytes : 0);
}

size_t Memory::result_bytes(const Case& c) {
  return std::max(c.target_bytes, c.source == Source::kLogits ? c.source_bytes : 0);
}

void Memory::prepare(const Case& c, Lane& lane) {
  NF_ASSERT(number_bytes(c) <= numbers_.size() && result_bytes(c) <= results_.size());
  if (c.source == Source::kLogits) {
    NF_ASSERT(c.target_bytes == 0);  // logits are where results are
    if (!results_are_logits_) fill_logits(results_, lane);
    results_are_logits_ = true;
  } else if (c.target_bytes > 0) {
    results_are_logits_ = false;
  }
}

Operands Memory::operands(const Case& c, uint64_t turn) const {
  const bool logits = c.source == Source::kLogits;
  return {.warm = numbers_.data(),
          .source = part_of(logits ? results_ : numbers_, c.source_bytes, turn),
          .target = part_of(results_, c.target_bytes, c.target_goes_round ? turn : 0),
          .turn = turn};
}

}  // namespace nf::bench
