// Fibers of x86-64 hosts: six registers and the stack pointer are all that a call preserves.
#include "emulation/fiber.h"

#include <sys/mman.h>

#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

extern "C" void nf_emulation_switch(void** from, void* to);
asm(".text\n"
    ".type nf_emulation_switch, @function\n"
    "nf_emulation_switch:\n"
    "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
    "  mov %rsp, (%rdi)\n"
    "  mov %rsi, %rsp\n"
    "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n"
    "  ret\n"
    ".size nf_emulation_switch, .-nf_emulation_switch\n");

namespace emulation {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kFibers = 1024;
constexpr size_t kStride = FiberStacks::kBytes + kPage;

// Where the running fiber came from, for the sanitizer.
[[maybe_unused]] constinit thread_local Fiber* came_from = nullptr;

}  // namespace

FiberStacks::FiberStacks() {
  void* memory = mmap(nullptr, kFibers * kStride, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<char*>(memory);
  for (size_t i = 0; i < kFibers; ++i) mprotect(memory_ + i * kStride, kPage, PROT_NONE);
}

FiberStacks::~FiberStacks() { munmap(memory_, kFibers * kStride); }

void FiberStacks::prepare(Fiber& fiber, void (*entry)()) const {
  fiber.stack = memory_ + fiber.index * kStride + kPage;
  fiber.stack_bytes = kBytes;
  fiber.sanitizer_stack = nullptr;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(fiber.stack, kBytes);  // frames that an earlier fiber left behind
#endif
  // Stacks start at different cache sets, or 32 lanes in step would evict each other.
  char* top = fiber.stack + kBytes - 64 - fiber.index * 576 % 16384;
  void** frame = reinterpret_cast<void**>(top);
  *--frame = nullptr;  // where entry would return to
  *--frame = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; ++i) *--frame = nullptr;
  fiber.stack_pointer = frame;
}

void switch_fiber(Fiber& from, Fiber& to) {
  fiber = &to;
#if defined(__SANITIZE_ADDRESS__)
  // A finished fiber gives up its sanitizer stack. The host's own stack has no known bounds until
  // it was left once, which is then noted in its Fiber.
  came_from = &from;
  __sanitizer_start_switch_fiber(from.done ? nullptr : &from.sanitizer_stack, to.stack,
                                 to.stack_bytes);
#endif
  nf_emulation_switch(&from.stack_pointer, to.stack_pointer);
  entered_fiber();
}

void entered_fiber() {
#if defined(__SANITIZE_ADDRESS__)
  const void* bottom;
  size_t bytes;
  __sanitizer_finish_switch_fiber(fiber->sanitizer_stack, &bottom, &bytes);
  if (came_from->stack == nullptr) {
    came_from->stack = static_cast<char*>(const_cast<void*>(bottom));
    came_from->stack_bytes = bytes;
  }
#endif
}

}  // namespace emulation
