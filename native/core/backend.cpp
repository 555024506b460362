// What backends have in common that compute on the host's memory.

#include "backend.h"

#include <cstring>

#include "check.h"
#include "event.h"
#include "executor.h"

namespace nf {

namespace {

// Lanes are threads: who waits sleeps.
class HostSignals final : public Signals {
 public:
  explicit HostSignals(uint32_t count) : events_(std::make_unique<Event[]>(count)) {}
  void signal(Lane&, uint32_t index, uint64_t value) override { events_[index].signal(value); }
  void wait(Lane&, uint32_t index, uint64_t value) override { events_[index].wait(value); }

 private:
  std::unique_ptr<Event[]> events_;
};

}  // namespace

void Lane::parallel_for(uint32_t, TaskFn, void*) { NF_ASSERT(!"not a host lane"); }

void Lane::stamp(uint64_t* ns) { *ns = static_cast<uint64_t>(now_ns()); }

std::unique_ptr<Signals> Backend::make_signals(uint32_t count) {
  return std::make_unique<HostSignals>(count);
}

MirroredMemory Backend::allocate_mirrored(size_t bytes, const char* what) {
  std::byte* memory = allocate(bytes, what);
  return {memory, memory};
}

std::byte* Backend::allocate_results(size_t bytes, const char* what) {
  return allocate(bytes, what);
}

void Backend::write(std::byte* target, const void* source, size_t bytes) {
  std::memcpy(target, source, bytes);
}

void Backend::read(void* target, const std::byte* source, size_t bytes) {
  std::memcpy(target, source, bytes);
}

}  // namespace nf
