// The makers of cases, one for each kind of op: each adds what a row of the kernel table can do.
#pragma once

#include "bench/case.h"

namespace nf::bench {

using MakeCases = void (*)(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);

void make_products(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);
void make_grouped_products(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);

void make_rope_append(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);
void make_decode_attention(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);
void make_prefill_attention(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);

void make_norms(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);
void make_quantize(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);
void make_glu(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);
void make_route(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);
void make_combine_experts(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);

void make_embedding(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);
void make_sample(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);
void make_echo(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);
void make_pool(const Kernel& kernel, const Suite& suite, std::vector<Case>& cases);

}  // namespace nf::bench
