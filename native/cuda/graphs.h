// Captured launches of decode steps. A step of decode rows launches the same kernels each time:
// what differs stands in the memory of its slot. So its launches up to the gate are captured once
// for each program, slot and (padded) number of rows, and replayed by one call.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <list>
#include <map>
#include <tuple>

namespace nf::cuda {

struct GraphKey {
  uint64_t program;  // its serial
  const void* slot;
  uint32_t rows;

  auto operator<=>(const GraphKey&) const = default;
};

// Keeps the graphs that were used last. For one thread.
class GraphCache {
 public:
  GraphCache() = default;
  ~GraphCache() { clear(); }
  GraphCache(const GraphCache&) = delete;
  GraphCache& operator=(const GraphCache&) = delete;

  // The graph of these launches, or null. The second time that null is returned for a key is the
  // time to capture: by then all of its kernels are loaded, and it will probably come again.
  cudaGraphExec_t find(const GraphKey& key, bool& capture);
  // These launches could not be captured: they are not to be tried again.
  void refuse(const GraphKey& key) { index_.at(key)->refused = true; }
  // Takes a captured graph over.
  cudaGraphExec_t add(const GraphKey& key, cudaGraph_t graph);
  // The cache's graphs must not be running.
  void clear();

 private:
  struct Entry {
    GraphKey key;
    cudaGraphExec_t graph;  // null: seen once, or refused
    bool refused = false;
  };
  static constexpr size_t kCapacity = 512;

  std::list<Entry> entries_;  // the one used last first
  std::map<GraphKey, std::list<Entry>::iterator> index_;
};

}  // namespace nf::cuda
