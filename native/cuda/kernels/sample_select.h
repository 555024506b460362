// Selection without a sort: the border of the best tokens of a row of logits, by rank_key
// (core/sampling.h), as their number or their weight asks for it. All threads of a block work on
// one row and go through its logits in passes.
//
// A pass puts the candidates between two keys into bins, of which one holds the border: its keys
// are the candidates of the next pass. Once they are few they are listed and compared with each
// other. Amounts are whole numbers, so no order of addition can change the border.
#pragma once

#include "core/sampling.h"
#include "cuda/kernels/reduce.h"

namespace nf::cuda {

constexpr uint32_t kSampleThreads = 512;
constexpr uint32_t kSampleWarps = kSampleThreads / kWarpSize;
constexpr uint32_t kBinBits = 11;
constexpr uint32_t kBins = 1 << kBinBits;
constexpr uint32_t kThreadBins = kBins / kSampleThreads;
constexpr uint32_t kListed = 1024;  // keys that are compared with each other

// Keys of tokens that are not banned are at least this.
constexpr uint64_t kLeastKey = uint64_t{0x00800000u} << 32;

// What the threads of the block share.
struct Selection {
  uint32_t count[kBins];
  uint32_t low[kBins];  // the amount of a bin, in two halves: 32-bit atomics are the fast ones
  uint32_t high[kBins];
  uint64_t keys[kListed];
  uint32_t amounts[kListed];
  uint32_t size;  // of the list; larger than kListed: not all are there
  uint64_t warp_sums[kSampleWarps];
  uint32_t found_bin;
  uint64_t found_before;
  uint64_t border;
  uint64_t best[NF_MAX_LOGPROBS];  // keys that are reported, in order
  uint32_t num_best;
};

struct Logits {
  const float* values;
  uint32_t vocab;

  // Calls fn(token, clean logit) for every token, spread over the threads.
  template <typename Fn>
  __device__ void each(Fn&& fn) const {
    const uint32_t quads = vocab % 4 == 0 ? vocab / 4 : 0;  // else rows are not aligned
    for (uint32_t i = threadIdx.x; i < quads; i += kSampleThreads) {
      const float4 quad = reinterpret_cast<const float4*>(values)[i];
      fn(4 * i, clean_logit(quad.x));
      fn(4 * i + 1, clean_logit(quad.y));
      fn(4 * i + 2, clean_logit(quad.z));
      fn(4 * i + 3, clean_logit(quad.w));
    }
    for (uint32_t i = 4 * quads + threadIdx.x; i < vocab; i += kSampleThreads) {
      fn(i, clean_logit(values[i]));
    }
  }
};

// How much a token counts for a border.
struct OneEach {
  __device__ uint32_t operator()(float) const { return 1; }
};
struct Weight {
  float largest;
  float inverse_temperature;
  __device__ uint32_t operator()(float logit) const {
    return token_weight(logit, largest, inverse_temperature);
  }
};

// The keys among which a border lies.
struct KeyRange {
  uint64_t low;
  uint64_t high;

  __device__ bool has(uint64_t key) const { return key >= low && key <= high; }
  // Bins are runs of 2^shift keys, the best first.
  __device__ uint32_t shift() const {
    const auto bits = uint32_t(64 - __clzll(static_cast<long long>(high - low)));
    return bits > kBinBits ? bits - kBinBits : 0;
  }
  __device__ KeyRange bin(uint32_t index, uint32_t shift) const {
    const uint64_t best = high - (uint64_t{index} << shift);
    const uint64_t others = (uint64_t{1} << shift) - 1;
    return {best - low > others ? best - others : low, best};
  }
};

__device__ inline void clear_bins(Selection& shared) {
  for (uint32_t bin = threadIdx.x; bin < kBins; bin += kSampleThreads) {
    shared.count[bin] = shared.low[bin] = shared.high[bin] = 0;
  }
  __syncthreads();
}

__device__ inline void add_to_bin(Selection& shared, uint32_t bin, uint32_t amount) {
  atomicAdd(&shared.count[bin], 1u);
  const uint32_t old = atomicAdd(&shared.low[bin], amount);
  if (old + amount < old) atomicAdd(&shared.high[bin], 1u);
}

__device__ inline uint64_t bin_amount(const Selection& shared, uint32_t bin) {
  return uint64_t{shared.high[bin]} << 32 | shared.low[bin];
}

// The amount in the bins before this thread's own kThreadBins, and in all.
struct BinSums {
  uint64_t before;
  uint64_t total;
};

__device__ inline BinSums sum_bins(Selection& shared) {
  __syncthreads();
  uint64_t own = 0;
  for (uint32_t i = 0; i < kThreadBins; ++i) {
    own += bin_amount(shared, threadIdx.x * kThreadBins + i);
  }
  uint64_t until = own;  // in this warp, own included
  for (uint32_t distance = 1; distance < kWarpSize; distance *= 2) {
    const uint64_t other = __shfl_up_sync(kAllLanes, until, distance);
    if (lane_index() >= distance) until += other;
  }
  if (lane_index() == kWarpSize - 1) shared.warp_sums[warp_index()] = until;
  __syncthreads();
  BinSums sums{until - own, 0};
  for (uint32_t warp = 0; warp < kSampleWarps; ++warp) {
    if (warp < warp_index()) sums.before += shared.warp_sums[warp];
    sums.total += shared.warp_sums[warp];
  }
  return sums;
}

// Sets found_bin and found_before: the bin with which the sum of all before it reaches `needed`,
// 1 .. total.
__device__ inline void find_bin(Selection& shared, const BinSums& sums, uint64_t needed) {
  uint64_t before = sums.before;
  for (uint32_t i = 0; i < kThreadBins; ++i) {
    const uint32_t bin = threadIdx.x * kThreadBins + i;
    const uint64_t amount = bin_amount(shared, bin);
    if (before < needed && needed - before <= amount) {
      shared.found_bin = bin;
      shared.found_before = before;
    }
    before += amount;
  }
  __syncthreads();
}

// Lists the keys of a range, in no order, and what they amount to.
template <typename Amount>
__device__ void list_keys(Selection& shared, const Logits& logits, KeyRange range, Amount amount) {
  if (threadIdx.x == 0) shared.size = 0;
  __syncthreads();
  logits.each([&](uint32_t token, float logit) {
    const uint64_t key = rank_key(logit, token);
    if (!range.has(key)) return;
    const uint32_t own = amount(logit);
    if (own == 0) return;
    const uint32_t place = atomicAdd(&shared.size, 1u);
    if (place >= kListed) return;
    shared.keys[place] = key;
    shared.amounts[place] = own;
  });
  __syncthreads();
}

// What the listed keys that rank before `key` amount to.
__device__ inline uint64_t amount_before(const Selection& shared, uint64_t key) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < shared.size; ++i) {
    if (shared.keys[i] > key) sum += shared.amounts[i];
  }
  return sum;
}

// The key of the listed ones with which their amount reaches `needed`; 0 < needed <= their sum.
__device__ inline uint64_t border_of_list(Selection& shared, uint64_t needed) {
  for (uint32_t i = threadIdx.x; i < shared.size; i += kSampleThreads) {
    const uint64_t before = amount_before(shared, shared.keys[i]);
    if (before < needed && needed - before <= shared.amounts[i]) shared.border = shared.keys[i];
  }
  __syncthreads();
  return shared.border;
}

// The last key of the shortest run of the best keys in `range` that amounts to needed_of(the sum of
// all in the range), which is 1 .. that sum. `may_be_few`: it is worth trying to list them at once.
template <typename Amount, typename NeededOf>
__device__ uint64_t find_border(Selection& shared, const Logits& logits, KeyRange range,
                                bool may_be_few, Amount amount, NeededOf needed_of) {
  uint64_t needed = 0;  // not known yet
  while (true) {
    if (may_be_few) {
      list_keys(shared, logits, range, amount);
      if (shared.size <= kListed) {
        if (needed == 0) needed = needed_of(amount_before(shared, 0));
        return border_of_list(shared, needed);
      }
    }
    clear_bins(shared);
    const uint32_t shift = range.shift();
    logits.each([&](uint32_t token, float logit) {
      const uint64_t key = rank_key(logit, token);
      if (!range.has(key)) return;
      const uint32_t own = amount(logit);
      if (own != 0) add_to_bin(shared, uint32_t((range.high - key) >> shift), own);
    });
    const BinSums sums = sum_bins(shared);
    if (needed == 0) needed = needed_of(sums.total);
    find_bin(shared, sums, needed);
    needed -= shared.found_before;
    range = range.bin(shared.found_bin, shift);
    if (shift == 0) return range.high;
    may_be_few = shared.count[shared.found_bin] <= kListed;
    __syncthreads();
  }
}

// A key that `wanted` keys reach, or 0: `own_best` is the best key of the tokens of a thread, and
// tokens of different threads differ.
__device__ inline uint64_t lower_bound(Selection& shared, uint64_t own_best, uint32_t wanted) {
  if (wanted > kSampleThreads) return 0;
  __syncthreads();
  shared.keys[threadIdx.x] = own_best;
  if (threadIdx.x == 0) shared.border = 0;
  __syncthreads();
  uint32_t better = 0;
  for (uint32_t i = 0; i < kSampleThreads; ++i) better += uint32_t{shared.keys[i] > own_best};
  if (better == wanted - 1 && own_best != 0) shared.border = own_best;
  __syncthreads();
  const uint64_t bound = shared.border;
  __syncthreads();
  return bound;
}

// The last of the best `wanted` keys of those that are not banned; of all, if there are fewer.
__device__ inline uint64_t border_of_count(Selection& shared, const Logits& logits, uint64_t best,
                                           uint64_t own_best, uint32_t wanted) {
  const uint64_t bound = lower_bound(shared, own_best, wanted);
  const KeyRange range{bound < kLeastKey ? kLeastKey : bound, best};
  return find_border(shared, logits, range, bound != 0, OneEach(), [wanted](uint64_t total) {
    return total < wanted ? total : uint64_t{wanted};
  });
}

}  // namespace nf::cuda
