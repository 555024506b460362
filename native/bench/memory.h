// The memory that timed launches work on: numbers that they read, and room for results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/case.h"

namespace nf::bench {

class Memory {
 public:
  // Fills `numbers`, on the workers of the lane. Both are as aligned as a backend's memory.
  Memory(std::span<std::byte> numbers, std::span<std::byte> results, Lane& lane);

  // What the two have to have room for.
  static size_t number_bytes(const Case& c);
  static size_t result_bytes(const Case& c);

  // Makes the source of a case. Results of earlier launches may be lost.
  void prepare(const Case& c, Lane& lane);

  Operands operands(const Case& c, uint64_t turn) const;

  std::span<const std::byte> numbers() const { return numbers_; }

 private:
  std::span<std::byte> numbers_;
  std::span<std::byte> results_;
  bool results_are_logits_ = false;
};

}  // namespace nf::bench
