// Marks functions that kernels of a device run as well: rules that every backend must follow to the
// bit are written once.
#pragma once

#if defined(__CUDACC__)
#define NF_HOST_DEVICE __host__ __device__
#else
#define NF_HOST_DEVICE
#endif
