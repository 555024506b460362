// The backends that are compiled in.
#pragma once

#include <memory>

#include "core/backend.h"

namespace nf {

// Throws NF_UNSUPPORTED for a device that this build does not have.
std::unique_ptr<Backend> open_backend(uint32_t device_kind, uint32_t num_threads);

}  // namespace nf
