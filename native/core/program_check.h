// An independent proof that a program is safe: it shares no code with the lowering or the placer.
#pragma once

#include <string>

#include "program.h"

namespace nf {

// Unrolls the program for a step of `rows` rows and `samples` samples and checks, with the order
// that lanes and waits really give: every row of every op is computed once, every read comes after
// the writes it needs, no other write touches what was written before it is read, any two unordered
// nano-ops touch disjoint bytes (unless both only read), order edges hold, and no lane runs two
// layers ahead. Returns the first violation in words, or an empty string.
std::string check_program(const Program& program, uint32_t rows, uint32_t samples);

// The same for the freest execution there can be, with one nano-op for every row of every op and no
// order but that of the data: what holds here holds under every plan.
std::string check_arena(const Graph& graph, const ArenaLayout& layout, uint32_t rows,
                        uint32_t samples);

}  // namespace nf
