// The name of the processor: with the instruction set and the number of units it says for which
// machine a measurement holds.
#pragma once

#include <string>

namespace nf {

// As the processor names itself, in printable ASCII without superfluous spaces, or "unknown".
std::string processor_name();

}  // namespace nf
