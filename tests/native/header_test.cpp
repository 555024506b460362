// The C side of the interface: see header_test.c.

#include "check.h"
#include "nanoflow.h"

extern "C" uint32_t header_test_version(void);

TEST("the header compiles as C and links as C") {
  CHECK_EQ(header_test_version(), uint32_t{NF_ABI_VERSION});
}
