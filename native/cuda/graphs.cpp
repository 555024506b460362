#include "cuda/graphs.h"

#include "cuda/errors.h"

namespace nf::cuda {

cudaGraphExec_t GraphCache::find(const GraphKey& key, bool& capture) {
  const auto found = index_.find(key);
  capture = found != index_.end() && found->second->graph == nullptr && !found->second->refused;
  if (found != index_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->graph;
  }
  entries_.push_front({key, nullptr, false});
  index_[key] = entries_.begin();
  if (entries_.size() > kCapacity) {
    // It is not running: steps end in order, and this many have been launched since.
    const Entry& oldest = entries_.back();
    if (oldest.graph != nullptr) cudaGraphExecDestroy(oldest.graph);
    index_.erase(oldest.key);
    entries_.pop_back();
  }
  return nullptr;
}

cudaGraphExec_t GraphCache::add(const GraphKey& key, cudaGraph_t graph) {
  cudaGraphExec_t executable = nullptr;
  const cudaError_t error = cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  check(error, "cudaGraphInstantiate");
  index_.at(key)->graph = executable;
  return executable;
}

void GraphCache::clear() {
  for (const Entry& entry : entries_) {
    if (entry.graph != nullptr) cudaGraphExecDestroy(entry.graph);
  }
  entries_.clear();
  index_.clear();
}

}  // namespace nf::cuda
