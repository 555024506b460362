// The kernel table of the reference backend: one kernel for every op, and all of them run any
// shape.
#pragma once

#include <span>

#include "core/backend.h"

namespace nf::reference {

std::span<const Kernel> kernel_table();

}  // namespace nf::reference
