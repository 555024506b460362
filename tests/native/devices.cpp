// The devices that tests of plans and engines run on.
#include "tiny_model.h"

namespace test {

std::span<const uint32_t> devices() {
  static constexpr uint32_t kDevices[] = {NF_DEVICE_CPU, NF_DEVICE_REFERENCE};
  return kDevices;
}

}  // namespace test
