// The loop that measures an arithmetic peak: chains of multiply-adds on registers and nothing else.
//
// A chain waits for its own last sum, so there have to be as many chains as the processor holds
// multiply-adds in flight, and with their inputs they have to fit into its registers. Chains start
// with different numbers, or a compiler would compute one for all.
//
// `Op` says what a step of a chain is. It is a type of the including file's own, so that no code
// compiled for one instruction set is linked into another. Sums of integers are vectors of int:
// those of long long, as __m512i is, GCC 12 does not keep in registers here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace nf::bench {

template <typename Op, size_t... kChain>
void run_chains(uint64_t iterations, std::index_sequence<kChain...>) {
  typename Op::Sum sums[] = {Op::start(static_cast<int>(kChain))...};
  const Op op;
  for (uint64_t i = 0; i < iterations; ++i) {
    ((sums[kChain] = op.step(sums[kChain])), ...);
  }
  volatile auto sink = (0 + ... + Op::reduce(sums[kChain]));
  static_cast<void>(sink);
}

template <typename Op>
void run_peak(uint64_t iterations) {
  run_chains<Op>(iterations, std::make_index_sequence<Op::kChains>());
}

// What a row of the table of peaks says of such a loop.
template <typename Op>
constexpr double operations() {
  return static_cast<double>(Op::kChains) * Op::kOperations;
}

}  // namespace nf::bench
