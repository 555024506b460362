// When the machine has no more to give: memory that cannot be had, threads that do not start. The
// failure is one clear error, and what was taken before it is given back.

#include <atomic>
#include <fstream>

#include "check.h"
#include "core/check.h"
#include "tiny_model.h"

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace {

// What a FailingBackend did; outlives it.
struct Account {
  int allocations = 0;
  int fail_at = -1;  // the allocation that fails, counted from 0
  bool closed = false;
};

// A backend whose n-th allocation fails. Everything else is the wrapped backend's.
class FailingBackend final : public nf::Backend {
 public:
  FailingBackend(uint32_t device, Account& account)
      : inner_(test::open_device(device, 2)), account_(account) {}
  ~FailingBackend() override { account_.closed = true; }

  const nf_device_info& info() const override { return inner_->info(); }
  nf::ActivationTypes activation_types() const override { return inner_->activation_types(); }
  std::span<const nf::Kernel> kernels() const override { return inner_->kernels(); }
  std::byte* allocate(size_t bytes, const char* what) override {
    if (account_.allocations++ == account_.fail_at) {
      throw nf::Error(NF_OUT_OF_MEMORY, std::string("no memory for ") + what);
    }
    return inner_->allocate(bytes, what);
  }
  nf::DType packed_format(nf::DType stored) const override { return inner_->packed_format(stored); }
  size_t matrix_bytes(uint32_t out, uint32_t in, nf::DType format) const override {
    return inner_->matrix_bytes(out, in, format);
  }
  size_t kv_page_bytes(uint32_t tokens, uint32_t heads, uint32_t head_dim) const override {
    return inner_->kv_page_bytes(tokens, heads, head_dim);
  }
  void pack_matrix(const PackSpec& spec, const void* source, std::byte* packed) override {
    inner_->pack_matrix(spec, source, packed);
  }
  std::shared_ptr<nf::Lane> open_lane(const nf::LaneSpec& spec) override {
    return inner_->open_lane(spec);
  }
  void run(nf::StepState& step) override { inner_->run(step); }

 private:
  std::unique_ptr<nf::Backend> inner_;
  Account& account_;
};

// Creates an engine; its outcome in words.
std::string outcome(uint32_t device, Account& account) {
  const test::TinyOptions options{.device = device, .layers = 2};
  try {
    nf::Engine engine(test::tiny_engine_options(options), test::tiny_spec(options),
                      std::make_unique<FailingBackend>(device, account));
    return "created";
  } catch (const nf::Error& error) {
    return error.status() == NF_OUT_OF_MEMORY ? error.what() : "wrong status";
  }
}

}  // namespace

TEST("whichever allocation of an engine fails, it says for what and closes its backend") {
  for (const uint32_t device : {NF_DEVICE_CPU, NF_DEVICE_REFERENCE}) {
    Account all;
    REQUIRE(outcome(device, all) == "created");
    CHECK(all.allocations >= 5);
    for (int n = 0; n < all.allocations; ++n) {
      Account account{.fail_at = n};
      CHECK_EQ(outcome(device, account).find("no memory for "), size_t{0});
      CHECK_EQ(account.allocations, n + 1);
      CHECK(account.closed);
    }
  }
}

TEST("memory that the system does not have is refused with its size") {
  const std::unique_ptr<nf::Backend> backend = test::open_device(NF_DEVICE_CPU, 1);
  try {
    backend->allocate(size_t{1} << 60, "a test");
    FAIL("an exabyte was given");
  } catch (const nf::Error& error) {
    CHECK_EQ(error.status(), NF_OUT_OF_MEMORY);
    CHECK_EQ(std::string(error.what()), "no memory for a test: 1152921504606846976 bytes");
  }
}

TEST("programs share a lane of equal spec, and the last one ends it") {
  const std::unique_ptr<nf::Backend> backend = test::open_device(NF_DEVICE_CPU, 4);
  const nf::LaneSpec spec{.partition = {NF_PARTITION_SHARED, 0, 3, 0}, .scratch_bytes = 64};
  nf::LaneSpec other = spec;
  other.index = 1;
  std::shared_ptr<nf::Lane> first = backend->open_lane(spec);
  const std::shared_ptr<nf::Lane> second = backend->open_lane(spec);
  CHECK(first == second);
  CHECK(first != backend->open_lane(other));
  const std::weak_ptr<nf::Lane> ended = backend->open_lane(other);
  CHECK(ended.expired());
}

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {

// Lets the process grow by no more than `bytes` of address space while it lives.
class AddressSpaceLimit {
 public:
  explicit AddressSpaceLimit(size_t bytes) {
    getrlimit(RLIMIT_AS, &before_);
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit = before_;
    limit.rlim_cur = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) + bytes;
    setrlimit(RLIMIT_AS, &limit);
  }
  ~AddressSpaceLimit() { setrlimit(RLIMIT_AS, &before_); }
  AddressSpaceLimit(const AddressSpaceLimit&) = delete;
  AddressSpaceLimit& operator=(const AddressSpaceLimit&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST("a lane whose threads do not all start is refused, and the next one works") {
  const std::unique_ptr<nf::Backend> backend = test::open_device(NF_DEVICE_CPU, 255);
  const nf::LaneSpec spec{.partition = {NF_PARTITION_SHARED, 0, 255, 0}, .scratch_bytes = 64};
  {
    // 254 stacks take at least 2 MB of address space each.
    const AddressSpaceLimit limit(size_t{200} << 20);
    try {
      backend->open_lane(spec);
      FAIL("255 threads started");
    } catch (const nf::Error& error) {
      CHECK_EQ(error.status(), NF_OUT_OF_MEMORY);
      CHECK_EQ(std::string(error.what()).find("no threads for a lane of 255 units"), size_t{0});
    }
  }
  const std::shared_ptr<nf::Lane> lane = backend->open_lane(spec);
  std::atomic<int> tasks = 0;
  lane->for_each(1000, [&](uint32_t, uint32_t) { ++tasks; });
  CHECK_EQ(tasks.load(), 1000);
}
#endif
