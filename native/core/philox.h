// Philox4x32-10: a random number that is a function of a key and a counter (Salmon et al.,
// "Parallel random numbers: as easy as 1, 2, 3", SC 2011). It has no state, so a draw depends on
// nothing but the seed and the position it is for. Constants are the paper's.
#pragma once

#include <array>
#include <cstdint>

#include "host_device.h"

namespace nf {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

NF_HOST_DEVICE constexpr PhiloxCounter philox_round(const PhiloxCounter& counter,
                                                    const PhiloxKey& key) {
  const uint64_t product0 = uint64_t{0xD2511F53u} * counter[0];
  const uint64_t product1 = uint64_t{0xCD9E8D57u} * counter[2];
  return {uint32_t(product1 >> 32) ^ counter[1] ^ key[0], uint32_t(product1),
          uint32_t(product0 >> 32) ^ counter[3] ^ key[1], uint32_t(product0)};
}

NF_HOST_DEVICE constexpr PhiloxCounter philox4x32_10(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    counter = philox_round(counter, key);
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

}  // namespace nf
