// Opens the CUDA backend, or says why there is none: the only header of this folder that may be
// included where the toolkit is not.
#pragma once

#include <memory>

#include "core/backend.h"

namespace nf::cuda {

// Throws NF_UNSUPPORTED: there is no device, driver or library that can be used.
std::unique_ptr<Backend> open_backend(const nf_engine_options& options);

}  // namespace nf::cuda
