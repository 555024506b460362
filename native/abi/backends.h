// The backends that are compiled in.
#pragma once

#include <memory>

#include "core/backend.h"

namespace nf {

// Throws NF_UNSUPPORTED for a device that this build or machine does not have, saying why.
std::unique_ptr<Backend> open_backend(const nf_engine_options& options);

nf_device_info probe_device(uint32_t device_kind, uint32_t device_index);

}  // namespace nf
