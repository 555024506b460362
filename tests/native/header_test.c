/* The header must be plain C: this file is compiled as C11 with all warnings. */
#include "nanoflow.h"

_Static_assert(sizeof(nf_nano_op) == 20, "a nano-op of a plan");
_Static_assert(sizeof(nf_sequence) == 32, "a sequence's part of a step");
_Static_assert(sizeof(nf_sampling) == 56, "how one token is drawn");

/* Called by a native test, so that the C linkage is proven as well. */
uint32_t header_test_version(void);
uint32_t header_test_version(void) { return nf_abi_version(); }
