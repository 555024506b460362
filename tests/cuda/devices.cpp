// The device that the native tests of plans and engines run on in this program.
#include "tiny_model.h"

namespace test {

std::span<const uint32_t> devices() {
  static constexpr uint32_t kDevices[] = {NF_DEVICE_CUDA};
  return kDevices;
}

}  // namespace test
