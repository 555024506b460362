// Copies into shared memory that arrive when they like (cp.async.bulk), and the barriers in shared
// memory (mbarrier) that tell when.
#pragma once

#include <cstdint>
#include <vector>

#include "emulation/fiber.h"
#include "emulation/random.h"
#include "emulation/tensor_map.h"

namespace emulation {

class AsyncUnit {
 public:
  void reset(uint64_t seed);

  bool idle() const { return copies_.empty(); }
  // How often a copy arrives although some thread could run: differs from block to block.
  bool hurries() { return !copies_.empty() && random_.below(eagerness_) == 0; }
  void complete_one();

  void bulk_copy(void* shared, const void* global, uint32_t bytes, uint64_t* barrier);
  void tensor_copy_2d(void* shared, const TensorMap& map, int column, int row, uint64_t* barrier);

  void init(uint64_t* barrier, uint32_t arrivals);
  void arrive(uint64_t* barrier, uint32_t expected_bytes);
  void wait(uint64_t* barrier, uint32_t parity);

 private:
  struct Copy {
    char* shared;
    const char* global;  // null: a box of the map
    uint32_t bytes;
    TensorMap map;
    int column, row;
    uint64_t* barrier;
  };
  struct Waiter {
    Fiber* fiber;
    uint64_t* barrier;
  };

  void add(const Copy& copy);
  void flip_if_complete(uint64_t* barrier);

  std::vector<Copy> copies_;
  std::vector<Waiter> waiters_;
  Random random_;
  uint32_t eagerness_ = 1;
};

}  // namespace emulation
