// What a source file gets by including the toolkit's runtime: words of device code, vector types,
// device functions, and the part of the runtime's interface that the CUDA backend uses.
// Implemented in tests/cuda/emulation/.
#pragma once

#include "device_functions.h"
#include "driver_types.h"
#include "host_defines.h"
#include "vector_types.h"

#define CUDART_VERSION 12040
