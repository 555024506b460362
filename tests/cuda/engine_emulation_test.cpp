// What goes wrong with a device: it is missing, too old, full, or lost in the middle of a step.
// Each is one clear error, and what was taken is given back.
#include <functional>
#include <string>

#include "abi/backends.h"
#include "check.h"
#include "core/check.h"
#include "emulation/device.h"
#include "tiny_model.h"

namespace {

// The device of a test, and a healthy one for the next.
struct DeviceScope {
  explicit DeviceScope(const emulation::DeviceSpec& spec = {}) { emulation::reset_device(spec); }
  ~DeviceScope() { emulation::reset_device(); }
};

// "status: message" of what it throws.
std::string outcome(const std::function<void()>& action) {
  try {
    action();
    return "fine";
  } catch (const nf::Error& error) {
    return std::to_string(error.status()) + ": " + error.what();
  }
}

bool says(const std::string& text, nf_status status, const std::string& words) {
  return text.rfind(std::to_string(status) + ": ", 0) == 0 && text.find(words) != std::string::npos;
}

std::string probe(const emulation::DeviceSpec& spec, uint32_t index = 0) {
  const DeviceScope scope(spec);
  return outcome([index] { nf::probe_device(NF_DEVICE_CUDA, index); });
}

// A step of three rows of a prompt.
void run_step(test::TinyModel& model) {
  test::Conversation& conversation = model.converse(20, 3);
  model.step(model.sequential(), {{&conversation, 3}}, 0);
}

}  // namespace

TEST("a device that cannot be used is refused with what to do") {
  CHECK_EQ(probe({}), std::string("fine"));
  CHECK(says(probe({.driver_version = 0}), NF_UNSUPPORTED, "no NVIDIA driver was found"));
  CHECK(says(probe({.driver_version = 12020}), NF_UNSUPPORTED,
             "the NVIDIA driver supports CUDA 12.2, and 12.4 is needed"));
  CHECK(says(probe({.devices = 0}), NF_UNSUPPORTED, "the driver shows no device"));
  CHECK(says(probe({}, 3), NF_UNSUPPORTED, "device 3 does not exist; there are 1"));
  CHECK(says(probe({.major = 7, .minor = 5}), NF_UNSUPPORTED, "has compute capability 7.5"));
  CHECK(says(probe({.major = 10, .minor = 0}), NF_UNSUPPORTED, "has compute capability 10.0"));
}

TEST("a device says what it is and what it can do") {
  const DeviceScope scope({.name = "Emulated A100", .units = 108, .major = 8, .minor = 0});
  const nf_device_info info = nf::probe_device(NF_DEVICE_CUDA, 0);
  CHECK_EQ(std::string(info.name), "cuda");
  CHECK_EQ(std::string(info.processor), "Emulated A100");
  CHECK_EQ(std::string(info.isa), "sm_80 bf16");
  CHECK_EQ(info.num_units, 108u);
  CHECK_EQ(info.flags, uint32_t{NF_DEVICE_DISJOINT_PARTITIONS | NF_DEVICE_MAY_EXCEED_UNITS});
  CHECK(info.memory_free > 0 && info.memory_free <= info.memory_total);
}

TEST("a model that does not fit is refused with what was wanted and what is free") {
  const DeviceScope scope({.memory = size_t{2} << 20});
  const std::string refused = outcome([] { test::TinyModel model({.layers = 4}); });
  CHECK(says(refused, NF_OUT_OF_MEMORY, "no device memory for "));
  CHECK(refused.find("MiB are wanted, ") != std::string::npos);
  CHECK(refused.find("are free") != std::string::npos);
}

TEST("whichever allocation fails, the engine gives all its memory back") {
  const DeviceScope scope;
  const size_t before = emulation::device_bytes_in_use();
  const size_t pinned_before = emulation::pinned_bytes_in_use();
  for (uint32_t nth = 1; nth < 40; ++nth) {
    emulation::fail_allocation(nth);
    const std::string text = outcome([] {
      test::TinyModel model({.layers = 1});
      run_step(model);
    });
    CHECK(text == "fine" || says(text, NF_OUT_OF_MEMORY, "memory"));
    emulation::reset_device();
    CHECK_EQ(emulation::device_bytes_in_use(), before);
    CHECK_EQ(emulation::pinned_bytes_in_use(), pinned_before);
    if (text == "fine") return;
  }
  FAIL("no number of allocations was enough");
}

TEST("a model whose heads have no kernel is refused before memory is taken") {
  const DeviceScope scope;
  const size_t before = emulation::device_bytes_in_use();
  const std::string refused = outcome([] { test::TinyModel model({.layers = 1, .head_dim = 12}); });
  CHECK(
      says(refused, NF_UNSUPPORTED, "cuda has no kernel for decode_attention with head_dim = 12"));
  CHECK_EQ(emulation::device_bytes_in_use(), before);
}

TEST("a lost device is reported by the step that lost it and by all that follow") {
  for (const uint32_t nth : {1u, 5u, 12u}) {
    const DeviceScope scope;
    test::TinyModel model({.layers = 2});
    run_step(model);
    emulation::fail_launch(nth);
    CHECK(says(outcome([&] { run_step(model); }), NF_DEVICE_LOST, "cudaErrorIllegalAddress"));
    CHECK(says(outcome([&] { run_step(model); }), NF_DEVICE_LOST, "cudaErrorIllegalAddress"));
  }
}
