// A kernel that is right gives the same bits in whatever order the threads of a block, and the
// blocks of a grid, come to run.
#include "check.h"
#include "emulation/block.h"
#include "subjects.h"

namespace test {
namespace {

struct ScheduleScope {
  explicit ScheduleScope(emulation::Order order) { emulation::set_schedule(order, seed()); }
  ~ScheduleScope() { emulation::set_schedule(emulation::Order::kForward); }
};

Output run_in(emulation::Order order, const Subject& subject, const nf::Kernel& kernel,
              const OpCase& c) {
  const ScheduleScope scope(order);
  return run_case(subject, kernel, c, Split::kWhole);
}

TEST("the order of threads and blocks changes no bit") {
  Random random(seed());
  for (const Subject& subject : subjects()) {
    for (const nf::Kernel& kernel : subject.kernels) {
      for (int i = 0; i < scale(4, 60); ++i) {
        const OpCase c = random_case(kernel.kind, nf::DType::kPlain, random);
        if (!kernel.supports(c.shape)) continue;
        const Output forward = run_in(emulation::Order::kForward, subject, kernel, c);
        for (const auto order : {emulation::Order::kBackward, emulation::Order::kShuffled}) {
          const Output other = run_in(order, subject, kernel, c);
          if (other.bytes == forward.bytes && other.state == forward.state) continue;
          FAIL(subject.name + " " + kernel.name + " seed " + show(c.seed));
        }
      }
    }
  }
}

}  // namespace
}  // namespace test
