// Sampling by the rules of core/sampling.h, to the bit: this file is compiled with -fmad=false.
//
// A block is a sample. It goes through the logits [V] in passes, the first from memory and the
// others from cache: the best one, the sum of the exponentials, and for a draw the border of what
// is kept (sample_select.h) and the token that covers the drawn point. Penalties, biases and masks
// are applied to a copy in scratch.
#include "core/sampling.h"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/sample_select.h"
#include "cuda/lane.h"
#include "cuda/launch.h"

namespace nf::cuda {
namespace {

constexpr uint32_t kMaxBlocks = 64;  // each with scratch for the logits of a sample

// The best key of all tokens, and of those that this thread has read.
struct Best {
  uint64_t key;
  uint64_t own;

  __device__ float logit(const Logits& logits) const {
    return clean_logit(logits.values[ranked_token(key)]);
  }
};

__device__ Best find_best(Selection& shared, const Logits& logits) {
  uint64_t own = 0;
  logits.each([&](uint32_t token, float logit) {
    const uint64_t key = rank_key(logit, token);
    own = key > own ? key : own;
  });
  __syncthreads();
  return {reduce_block<Largest>(own, shared.warp_sums), own};
}

// What turns a clean logit into a log-probability.
struct LogSoftmax {
  double largest;
  double log_sum;  // log(sum(exp(logits - largest)))

  __device__ float of(float logit) const { return float(double{logit} - largest - log_sum); }
};

__device__ LogSoftmax log_softmax(const Logits& logits, float largest) {
  __shared__ double partial[kMaxWarps];
  float sum = 0;
  logits.each([&](uint32_t, float logit) { sum += exp_nonpositive(logit - largest); });
  return {double{largest}, log(reduce_block<Sum>(double{sum}, partial))};
}

// Rules 3 to 5, into `adjusted`.
__device__ void adjust(const SampleInput& input, float* adjusted) {
  const uint32_t vocab = input.vocab;
  for (uint32_t token = threadIdx.x; token < vocab; token += kSampleThreads) {
    const float logit = clean_logit(input.logits[token]);
    const uint16_t count = input.counts != nullptr ? input.counts[token] : uint16_t{0};
    adjusted[token] = penalize(logit, count, input.sampling);
  }
  // The biases of a token are added by the thread that has just written it, in their order.
  for (uint32_t i = 0; i < input.sampling.bias_count; ++i) {
    const nf_bias bias = input.bias[i];
    if (bias.token < vocab && bias.token % kSampleThreads == threadIdx.x) {
      adjusted[bias.token] += bias.bias;
    }
  }
  for (uint32_t token = threadIdx.x; input.mask != nullptr && token < vocab;
       token += kSampleThreads) {
    if ((input.mask[token / 32] >> (token % 32) & 1) == 0) adjusted[token] = kBanned;
  }
  __syncthreads();
}

// The tokens a draw may choose from: keys from `border` on, with at least `least` weight.
struct Kept {
  Logits logits;
  Weight weight;
  uint64_t border;
  uint32_t least;

  __device__ uint32_t operator()(uint32_t token) const {
    if (token >= logits.vocab) return 0;
    const float logit = clean_logit(logits.values[token]);
    if (rank_key(logit, token) < border) return 0;
    const uint32_t own = weight(logit);
    return own < least ? 0 : own;
  }
};

// Rule 8.
__device__ Kept keep(Selection& shared, const nf_sampling& sampling, const Logits& logits,
                     const Best& best) {
  // Below, weights are zero: 30 * ln 2 = 20.8 temperatures.
  constexpr float kReach = 22.0f;
  const float largest = best.logit(logits);
  const Weight weight{largest, 1.0f / sampling.temperature};
  Kept kept{logits, weight, 0, min_p_weight(sampling.min_p)};
  if (sampling.top_k != 0 && sampling.top_k < logits.vocab) {
    kept.border = border_of_count(shared, logits, best.key, best.own, sampling.top_k);
  }
  if (sampling.top_p < 1.0f) {
    const bool few = kept.border != 0 && sampling.top_k <= kListed;
    const uint64_t reach =
        rank_key(clean_logit(largest - kReach * sampling.temperature), ~uint32_t{0});
    const KeyRange range{kept.border < reach ? reach : kept.border, best.key};
    const float top_p = sampling.top_p;
    kept.border = find_border(shared, logits, range, few, weight,
                              [top_p](uint64_t total) { return top_p_weight(total, top_p); });
  }
  return kept;
}

// Rule 9. The weights are summed in segments, one after the other in the bins.
__device__ uint32_t draw(Selection& shared, const SampleInput& input, const Kept& kept) {
  const uint32_t vocab = input.vocab;
  const uint32_t segment = (vocab + kBins * kWarpSize - 1) / (kBins * kWarpSize) * kWarpSize;
  clear_bins(shared);
  for (uint32_t index = warp_index(); index * segment < vocab; index += kSampleWarps) {
    uint64_t sum = 0;
    for (uint32_t i = lane_index(); i < segment; i += kWarpSize) sum += kept(index * segment + i);
    sum = reduce_warp<Sum>(sum);
    if (lane_index() == 0) {
      shared.low[index] = uint32_t(sum);
      shared.high[index] = uint32_t(sum >> 32);
    }
  }
  const BinSums sums = sum_bins(shared);
  const uint64_t point = draw_point(input.sampling.seed, input.position, sums.total);
  find_bin(shared, sums, point + 1);
  // All warps look for the token, and find the same.
  uint32_t begin = shared.found_bin * segment;
  uint64_t before = shared.found_before;
  while (true) {
    uint64_t until = kept(begin + lane_index());
    for (uint32_t distance = 1; distance < kWarpSize; distance *= 2) {
      const uint64_t other = __shfl_up_sync(kAllLanes, until, distance);
      if (lane_index() >= distance) until += other;
    }
    const uint32_t covering = __ballot_sync(kAllLanes, before + until > point);
    if (covering != 0) return begin + uint32_t(__ffs(int(covering))) - 1;
    before += __shfl_sync(kAllLanes, until, kWarpSize - 1);
    begin += kWarpSize;
  }
}

// Rule 2: the best tokens.
__device__ void list_best(Selection& shared, const SampleInput& input, const Logits& logits,
                          const Best& best) {
  const uint32_t most = std::min(input.sampling.num_logprobs, uint32_t{NF_MAX_LOGPROBS});
  const uint32_t wanted = std::min(most, input.vocab);
  if (wanted == 0) return;
  const uint64_t border = border_of_count(shared, logits, best.key, best.own, wanted);
  list_keys(shared, logits, {border, best.key}, OneEach());
  for (uint32_t i = threadIdx.x; i < shared.size; i += kSampleThreads) {
    shared.best[amount_before(shared, shared.keys[i])] = shared.keys[i];
  }
  if (threadIdx.x == 0) shared.num_best = shared.size;
  __syncthreads();
}

// Rules 3 to 9: the token, or -1.
__device__ int32_t choose(Selection& shared, const SampleInput& input, Logits logits, Best best,
                          float* scratch) {
  if (input.counts != nullptr || input.sampling.bias_count != 0 || input.mask != nullptr) {
    adjust(input, scratch);
    logits.values = scratch;
    best = find_best(shared, logits);
    if (best.key < kLeastKey) return -1;
  }
  if (is_greedy(input.sampling)) return int32_t(ranked_token(best.key));
  return int32_t(draw(shared, input, keep(shared, input.sampling, logits, best)));
}

// What is drawn or scored. The threads agree on it.
struct Drawn {
  int32_t token;
  LogSoftmax logprobs;
};

__device__ Drawn sample_one(Selection& shared, const SampleInput& input, float* scratch) {
  const Logits logits{input.logits, input.vocab};
  if (threadIdx.x == 0) shared.num_best = 0;
  const Best best = find_best(shared, logits);
  if (best.key < kLeastKey) return {-1, {}};
  const LogSoftmax logprobs = log_softmax(logits, best.logit(logits));
  list_best(shared, input, logits, best);
  if (is_scored(input.sampling)) return {int32_t(input.sampling.target), logprobs};
  return {choose(shared, input, logits, best, scratch), logprobs};
}

// By one thread.
__device__ void write_results(const Selection& shared, const SampleInput& input, const Drawn& drawn,
                              SampleOutput output) {
  const auto logprob = [&](uint32_t token) {
    return drawn.logprobs.of(clean_logit(input.logits[token]));
  };
  for (uint32_t rank = 0; rank < shared.num_best; ++rank) {
    const uint32_t token = ranked_token(shared.best[rank]);
    output.set_alternative(rank, int32_t(token), logprob(token));
  }
  if (drawn.token >= 0) output.set_token(drawn.token, logprob(uint32_t(drawn.token)));
}

__global__ void __launch_bounds__(kSampleThreads)
    sample_rows(SampleArgs args, Batch batch, float* scratch) {
  __shared__ Selection shared;
  args.batch = &batch;
  for (uint32_t index = args.rows.begin + blockIdx.x; index < args.rows.end; index += gridDim.x) {
    const SampleInput input = sample_input(args, index);
    float* own_scratch = scratch + size_t{blockIdx.x} * args.vocab;
    const Drawn drawn = sample_one(shared, input, own_scratch);
    if (threadIdx.x == 0) write_results(shared, input, drawn, SampleOutput(batch, index));
    __syncthreads();
  }
}

}  // namespace

bool sample_supports(const OpShape&) { return true; }

size_t sample_workspace(const OpShape& shape) {
  return size_t{kMaxBlocks} * shape.out * sizeof(float);
}

template <DType operand>
void sample(const OpArgs& op, Lane& lane) {
  const SampleArgs& args = op.sample;
  if (args.rows.empty()) return;
  CudaLane& cuda = cuda_lane(lane);
  const uint32_t blocks = cuda.grid(std::min(args.rows.size(), kMaxBlocks), 2);
  NF_LAUNCH(sample_rows, blocks, kSampleThreads, 0, cuda.stream(), args, *args.batch,
            reinterpret_cast<float*>(cuda.scratch(0)));
}

template void sample<DType::kBF16>(const OpArgs&, Lane&);
template void sample<DType::kF16>(const OpArgs&, Lane&);

}  // namespace nf::cuda
