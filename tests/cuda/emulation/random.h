// A small generator: schedules must cost nothing next to what they schedule.
#pragma once

#include <cstdint>

namespace emulation {

// splitmix64
class Random {
 public:
  explicit Random(uint64_t seed = 1) : state_(seed) {}

  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(((next() >> 32) * limit) >> 32); }

 private:
  uint64_t state_;
};

}  // namespace emulation
