// Threads for work outside of steps, such as packing weights: made for the call and gone after it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
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
  const uint32_t wanted = std::min(threads, count);
  std::vector<std::thread> others;
  others.reserve(wanted);
  try {
    for (uint32_t i = 1; i < wanted; ++i) others.emplace_back(work);
  } catch (const std::exception&) {  // no thread, or no memory for one
  }
  work();
  for (std::thread& other : others) other.join();
}

}  // namespace nf
