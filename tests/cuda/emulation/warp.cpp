#include "emulation/warp.h"

#include "emulation/block.h"

namespace emulation {
namespace {

Warp::Exchange& meet(const char* operation, uint32_t mask, uint64_t value) {
  if (mask != ~0u) fail(std::string(operation) + ": only the full mask is emulated");
  return Block::current().meet_warp(operation, value);
}

}  // namespace

void block_barrier() { Block::current().meet_block("__syncthreads", false); }

int block_barrier_or(int value) {
  return Block::current().meet_block("__syncthreads", value != 0) != 0;
}

int block_barrier_count(int value) {
  return static_cast<int>(Block::current().meet_block("__syncthreads", value != 0));
}

void warp_barrier(uint32_t mask) { meet("__syncwarp", mask, 0); }

Lanes exchange(const char* operation, uint32_t mask, uint64_t value) {
  const Warp::Exchange& all = meet(operation, mask, value);
  return {all.values, all.present};
}

uint32_t ballot(const char* operation, uint32_t mask, bool value) {
  const Lanes lanes = exchange(operation, mask, value);
  uint32_t votes = 0;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    if ((lanes.present >> lane & 1u) != 0 && lanes.values[lane] != 0) votes |= 1u << lane;
  }
  return votes;
}

uint32_t reduce_add(const char* operation, uint32_t mask, uint32_t value) {
  const Lanes lanes = exchange(operation, mask, value);
  uint32_t sum = 0;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    if ((lanes.present >> lane & 1u) != 0) sum += static_cast<uint32_t>(lanes.values[lane]);
  }
  return sum;
}

uint32_t live_lanes() { return Block::current().warp().live; }

}  // namespace emulation
