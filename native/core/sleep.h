// How a thread sleeps until a word changes. The core only declares it: platform/os.cpp defines it
// for each operating system.
//
// Not std::atomic::wait everywhere: where libstdc++ has no futex (GCC 12 for Windows) it looks at
// the word before it takes its lock, and a wake-up in between is lost for good.
#pragma once

#include <atomic>
#include <cstdint>

namespace nf {

// Sleeps while the word holds `value`; may return sooner. Whoever changes the word wakes its
// sleepers afterwards.
void sleep_while(const std::atomic<uint32_t>& word, uint32_t value);
void sleep_while(const std::atomic<uint64_t>& word, uint64_t value);
void wake_sleepers(std::atomic<uint32_t>& word);
void wake_sleepers(std::atomic<uint64_t>& word);

}  // namespace nf
