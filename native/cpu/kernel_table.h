// The kernels of the cpu backend for an instruction set: one row per operation.
#pragma once

#include <span>

#include "core/backend.h"
#include "cpu/isa.h"

namespace nf::cpu {

std::span<const Kernel> kernel_table(Isa isa);

}  // namespace nf::cpu
