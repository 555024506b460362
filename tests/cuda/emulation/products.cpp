// wgmma: products of a warpgroup. A warp's 16 rows are computed when that warp waits for them, from
// what shared memory holds then.
#include <cstring>
#include <limits>

#include "emulation/block.h"
#include "emulation/matrices.h"
#include "emulation/ptx.h"
#include "emulation/tensor_map.h"

namespace emulation {
namespace {

constexpr uint32_t kWarpgroup = 128;

// Fields of a matrix descriptor as ptx.h makes it: address / 16, leading offset, stride between
// groups of 8 rows / 16, and the 128-byte swizzle.
constexpr uint64_t kAddressBits = 0x3fff;
constexpr uint64_t kDescriptorFields = uint64_t{1} << 16 | uint64_t{64} << 32 | uint64_t{1} << 62;

const char* address_of(uint64_t matrix) {
  if ((matrix & ~kAddressBits) != kDescriptorFields) fail("not a matrix of swizzled_matrix()");
  return Block::current().dynamic_shared() + ((matrix & kAddressBits) << 4);
}

// The first 8 * chunks elements of a row, counted from where the matrix begins.
template <Element element>
void read_row(const char* matrix, uint32_t row, uint32_t chunks, float* out) {
  for (uint32_t chunk = 0; chunk < chunks; ++chunk) {
    const char* address = matrix + row / 8 * 1024 + row % 8 * 128 + chunk * 16;
    const char* place = swizzled(const_cast<char*>(address));
    if (!Block::current().in_dynamic_shared(place, 16)) {
      fail("a matrix of a wgmma is not in the block's dynamic shared memory");
    }
    uint16_t elements[8];
    std::memcpy(elements, place, sizeof(elements));
    for (uint32_t i = 0; i < 8; ++i) out[chunk * 8 + i] = widen<element>(elements[i]);
  }
}

// The rows of the first factor that belong to the warp.
template <Element element>
void read_a(const Warp::Exchange& lanes, uint32_t index, float (&a)[16][16]) {
  const Fiber& first = *reinterpret_cast<Fiber*>(lanes.values[0]);
  const Product& product = first.products[index];
  if (!product.from_registers) {
    const char* matrix = address_of(product.a);
    for (uint32_t row = 0; row < 16; ++row) {
      read_row<element>(matrix, first.warp % 4 * 16 + row, 2, a[row]);
    }
    return;
  }
  for (uint32_t lane = 0; lane < 32; ++lane) {
    const Product& own = reinterpret_cast<Fiber*>(lanes.values[lane])->products[index];
    const uint32_t g = lane / 4, t = lane % 4 * 2;
    for (uint32_t i = 0; i < 4; ++i) {
      float* to = &a[g + i % 2 * 8][t + i / 2 * 8];
      to[0] = widen<element>(low_half(own.registers[i]));
      to[1] = widen<element>(high_half(own.registers[i]));
    }
  }
}

template <Element element>
void read_b(const Product& product, float (&b)[16][64]) {
  const char* matrix = address_of(product.b);
  if (product.from_registers) {  // as it stands: rows are k
    for (uint32_t k = 0; k < 16; ++k) read_row<element>(matrix, k, 8, b[k]);
    return;
  }
  for (uint32_t n = 0; n < 64; ++n) {
    float row[16];
    read_row<element>(matrix, n, 2, row);
    for (uint32_t k = 0; k < 16; ++k) b[k][n] = row[k];
  }
}

uint32_t row_of(uint32_t lane, uint32_t i) { return lane / 4 + i % 4 / 2 * 8; }
uint32_t column_of(uint32_t lane, uint32_t i) { return i / 4 * 8 + lane % 4 * 2 + i % 2; }

template <Element element>
void multiply_warp(const Warp::Exchange& lanes, uint32_t index) {
  const auto thread = [&](uint32_t lane) { return reinterpret_cast<Fiber*>(lanes.values[lane]); };
  const Product& product = thread(0)->products[index];
  float a[16][16], b[16][64], d[16][64];
  read_a<element>(lanes, index, a);
  read_b<element>(product, b);
  for (uint32_t lane = 0; lane < 32; ++lane) {
    const Accumulator& own = thread(lane)->accumulators[product.accumulator];
    for (uint32_t i = 0; i < 32; ++i) {
      d[row_of(lane, i)][column_of(lane, i)] = product.add ? own.value[i] : 0.0f;
    }
  }
  for (uint32_t row = 0; row < 16; ++row) {
    for (uint32_t k = 0; k < 16; ++k) {
      for (uint32_t column = 0; column < 64; ++column) d[row][column] += a[row][k] * b[k][column];
    }
  }
  for (uint32_t lane = 0; lane < 32; ++lane) {
    Accumulator& own = thread(lane)->accumulators[product.accumulator];
    for (uint32_t i = 0; i < 32; ++i) own.value[i] = d[row_of(lane, i)][column_of(lane, i)];
  }
}

// How many of the products of the first lane are complete: the same for all lanes of the warp.
uint32_t complete_products(const Fiber& thread, uint32_t pending) {
  uint32_t count = 0;
  while (count < thread.products.size() &&
         thread.products[count].group + pending < thread.product_group) {
    ++count;
  }
  return count;
}

void check_same(const Warp::Exchange& lanes) {
  const Fiber& first = *reinterpret_cast<Fiber*>(lanes.values[0]);
  for (uint32_t lane = 1; lane < 32; ++lane) {
    const Fiber& other = *reinterpret_cast<Fiber*>(lanes.values[lane]);
    bool same = other.products.size() == first.products.size() &&
                other.product_group == first.product_group;
    for (size_t i = 0; same && i < first.products.size(); ++i) {
      same = other.products[i].same_instruction(first.products[i]) &&
             other.products[i].accumulator == first.products[i].accumulator;
    }
    if (!same) fail("the lanes of a warp issued different products");
  }
}

constinit thread_local uint32_t wanted_pending = 0;

void complete_all(Warp::Exchange& lanes) {
  check_same(lanes);
  const Fiber& first = *reinterpret_cast<Fiber*>(lanes.values[0]);
  const uint32_t count = complete_products(first, wanted_pending);
  for (uint32_t i = 0; i < count; ++i) {
    if (first.products[i].element == Element::kF16) {
      multiply_warp<Element::kF16>(lanes, i);
    } else {
      multiply_warp<Element::kBF16>(lanes, i);
    }
  }
}

// Gives the accumulators back that no product under way writes.
void retire(Fiber& thread, uint32_t completed) {
  std::vector<Product>& products = thread.products;
  products.erase(products.begin(), products.begin() + completed);
  if (!products.empty()) {
    std::vector<bool> used(thread.accumulators.size());
    for (const Product& product : products) used[product.accumulator] = true;
    for (size_t i = 0; i < used.size(); ++i) {
      Accumulator& own = thread.accumulators[i];
      if (used[i] || own.home == nullptr) continue;
      std::memcpy(own.home, own.value, sizeof(own.value));
      own.home = nullptr;
    }
    return;
  }
  for (const Accumulator& own : thread.accumulators) {
    if (own.home != nullptr) std::memcpy(own.home, own.value, sizeof(own.value));
  }
  thread.accumulators.clear();
}

uint32_t accumulator_of(Fiber& thread, float* home) {
  for (uint32_t i = 0; i < thread.accumulators.size(); ++i) {
    if (thread.accumulators[i].home == home) return i;
  }
  Accumulator added;
  added.home = home;
  std::memcpy(added.value, home, sizeof(added.value));
  for (uint32_t i = 0; i < 32; ++i) home[i] = std::numeric_limits<float>::quiet_NaN();
  thread.accumulators.push_back(added);
  return static_cast<uint32_t>(thread.accumulators.size() - 1);
}

// All warps of the warpgroup must issue the same products in the same order.
void check_warpgroup(Fiber& thread, const Product& product) {
  const uint32_t warpgroup = thread.index / kWarpgroup;
  const dim3 size = place.block_size;
  if ((warpgroup + 1) * kWarpgroup > size.x * size.y * size.z) {
    fail("a wgmma in a warpgroup of less than 128 threads");
  }
  std::vector<Product>& log = Block::current().warpgroup_log(warpgroup);
  if (thread.products_issued == log.size()) {
    log.push_back(product);
  } else if (!log[thread.products_issued].same_instruction(product)) {
    fail("the warps of a warpgroup issued different products");
  }
  ++thread.products_issued;
}

}  // namespace

uint32_t shared_offset(const void* shared) {
  if (!Block::current().in_dynamic_shared(shared, 1)) {
    fail("only addresses in dynamic shared memory are emulated as numbers");
  }
  return static_cast<uint32_t>(static_cast<const char*>(shared) -
                               Block::current().dynamic_shared());
}

uint64_t describe_matrix(const void* shared) {
  const uint32_t offset = shared_offset(shared);
  if (offset % 16 != 0) fail("swizzled_matrix wants an address aligned to 16 bytes");
  return offset >> 4 | kDescriptorFields;
}

void issue_product(Element element, float* d, uint64_t a, const uint32_t* registers, uint64_t b,
                   bool add) {
  Fiber& thread = *fiber;
  Product product{};
  product.a = a;
  product.b = b;
  product.from_registers = registers != nullptr;
  if (registers != nullptr) std::memcpy(product.registers, registers, sizeof(product.registers));
  product.add = add;
  product.element = element;
  product.group = thread.product_group;
  check_warpgroup(thread, product);
  product.accumulator = accumulator_of(thread, d);
  thread.products.push_back(product);
}

void commit_products() { ++fiber->product_group; }

void wait_products(uint32_t pending) {
  Fiber& thread = *fiber;
  const uint32_t completed = complete_products(thread, pending);
  wanted_pending = pending;
  Block::current().meet_warp("wait_products", reinterpret_cast<uint64_t>(&thread), true,
                             &complete_all);
  retire(thread, completed);
}

}  // namespace emulation
