// Threads for work outside of steps, such as packing weights: made for the call and gone after it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

namespace nf {

// Runs run(index) once for every index below `count` on up to `threads` threads, this one among
// them. run must not throw. Where no thread can be had, the others do its work.
template <typename Run>
void run_in_parallel(uint32_t threads, uint32_t count, const Run& run) {
  std::atomic<uint32_t> next{0};
  const auto work = [&] {
    for (uint32_t index = next++; index < count; index = next++) run(index);
  };
  std::vector<std::thread> others;
  try {
    for (uint32_t i = 1; i < std::min(threads, count); ++i) others.emplace_back(work);
  } catch (const std::system_error&) {
  }
  work();
  for (std::thread& other : others) other.join();
}

}  // namespace nf
