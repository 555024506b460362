// Chooses algorithms for the matrix products of a program before it runs: a step must not measure.
#pragma once

#include "core/program.h"
#include "cuda/runtime.h"

namespace nf::cuda {

// Measures what has not been measured on this device before, as far as there is memory for it, and
// keeps it in the runtime's cache folder.
void tune_products(const Program& program, Runtime& runtime);

}  // namespace nf::cuda
