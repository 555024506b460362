#include "platform/os.h"

#include <algorithm>
#include <fstream>
#include <thread>

#include "core/check.h"
#include "core/sleep.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#ifndef NOMINMAX  // libstdc++ has set it already
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#endif

namespace nf {

#if defined(_WIN32)

namespace {

std::wstring wide(const std::string& text) {
  const int length = MultiByteToWideChar(CP_UTF8, 0, text.c_str(), -1, nullptr, 0);
  std::wstring result(static_cast<size_t>(std::max(length, 1)), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.c_str(), -1, result.data(), length);
  return result;
}

std::string last_error() { return " (Windows error " + std::to_string(GetLastError()) + ")"; }

// WaitOnAddress compares and goes to sleep as one step.
void sleep_on(const volatile void* word, void* value, size_t bytes) {
  WaitOnAddress(const_cast<volatile void*>(word), value, bytes, INFINITE);
}

// An open handle that closes itself.
class Handle {
 public:
  explicit Handle(HANDLE value) : value_(value) {}
  ~Handle() {
    if (valid()) CloseHandle(value_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  // Files that cannot be opened are INVALID_HANDLE_VALUE, mappings that cannot be made are null.
  bool valid() const { return value_ != INVALID_HANDLE_VALUE && value_ != nullptr; }
  HANDLE value() const { return value_; }

 private:
  HANDLE value_;
};

}  // namespace

uint32_t available_units() {
  DWORD_PTR process = 0;
  DWORD_PTR system = 0;
  uint32_t count = 0;
  if (GetProcessAffinityMask(GetCurrentProcess(), &process, &system)) {
    for (; process != 0; process &= process - 1) ++count;
  }
  return std::max(count, 1u);
}

void pin_to_unit(uint32_t unit) {
  DWORD_PTR process = 0;
  DWORD_PTR system = 0;
  if (!GetProcessAffinityMask(GetCurrentProcess(), &process, &system) || process == 0) return;
  unit %= available_units();
  for (; unit > 0; --unit) process &= process - 1;
  SetThreadAffinityMask(GetCurrentThread(), process & (~process + 1));
}

void sleep_while(const std::atomic<uint32_t>& word, uint32_t value) {
  sleep_on(&word, &value, sizeof(value));
}

void sleep_while(const std::atomic<uint64_t>& word, uint64_t value) {
  sleep_on(&word, &value, sizeof(value));
}

void wake_sleepers(std::atomic<uint32_t>& word) { WakeByAddressAll(&word); }

void wake_sleepers(std::atomic<uint64_t>& word) { WakeByAddressAll(&word); }

void name_thread(const char*) {}

std::byte* reserve_pages(size_t bytes) {
  return static_cast<std::byte*>(
      VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
}

void free_pages(std::byte* memory, size_t) { VirtualFree(memory, 0, MEM_RELEASE); }

MappedRange::MappedRange(const std::string& path, uint64_t offset, uint64_t num_bytes) {
  const Handle file(CreateFileW(wide(path).c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr,
                                OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr));
  NF_CHECK(file.valid(), NF_IO, path + ": cannot be opened" + last_error());
  LARGE_INTEGER length{};
  NF_CHECK(GetFileSizeEx(file.value(), &length), NF_IO, path + ": has no size" + last_error());
  const auto size = static_cast<uint64_t>(length.QuadPart);
  NF_CHECK(num_bytes <= size && offset <= size - num_bytes, NF_IO,
           path + ": shorter than its header says");
  // A view lives on without the handles it was made from.
  const Handle mapping(CreateFileMappingW(file.value(), nullptr, PAGE_READONLY, 0, 0, nullptr));
  NF_CHECK(mapping.valid(), NF_IO, path + ": cannot be mapped" + last_error());
  constexpr uint64_t kGranularity = 65536;  // of the offset of a view
  const uint64_t begin = offset / kGranularity * kGranularity;
  mapped_bytes_ = static_cast<size_t>(offset - begin + num_bytes);
  mapping_ = MapViewOfFile(mapping.value(), FILE_MAP_READ, static_cast<DWORD>(begin >> 32),
                           static_cast<DWORD>(begin), mapped_bytes_);
  NF_CHECK(mapping_ != nullptr, NF_IO, path + ": cannot be mapped" + last_error());
  data_ = static_cast<const std::byte*>(mapping_) + (offset - begin);
}

MappedRange::~MappedRange() { UnmapViewOfFile(mapping_); }

#else

namespace {

cpu_set_t affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) CPU_SET(0, &set);
  return set;
}

// Whole cores of the cgroup's quota ("max 100000" or "150000 100000"), or a large number.
uint32_t cgroup_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0;
  double period = 0;
  if (!(file >> quota >> period) || period <= 0) return ~0u;
  return std::max(1u, static_cast<uint32_t>(quota / period + 0.5));
}

// An open file that closes itself.
class File {
 public:
  explicit File(const std::string& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    NF_CHECK(descriptor_ >= 0, NF_IO, path + ": " + std::strerror(errno));
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace

uint32_t available_units() {
  const cpu_set_t set = affinity();
  const auto count = static_cast<uint32_t>(std::max(CPU_COUNT(&set), 1));
  return std::min(count, cgroup_quota());
}

void pin_to_unit(uint32_t unit) {
  const cpu_set_t allowed = affinity();
  uint32_t skip = unit % static_cast<uint32_t>(std::max(CPU_COUNT(&allowed), 1));
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || skip-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof(one), &one);
    return;
  }
}

void sleep_while(const std::atomic<uint32_t>& word, uint32_t value) { word.wait(value); }

void sleep_while(const std::atomic<uint64_t>& word, uint64_t value) { word.wait(value); }

void wake_sleepers(std::atomic<uint32_t>& word) { word.notify_all(); }

void wake_sleepers(std::atomic<uint64_t>& word) { word.notify_all(); }

void name_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

std::byte* reserve_pages(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  madvise(memory, bytes, MADV_HUGEPAGE);  // weights and KV pages are walked in long strides
  return static_cast<std::byte*>(memory);
}

void free_pages(std::byte* memory, size_t bytes) { munmap(memory, bytes); }

MappedRange::MappedRange(const std::string& path, uint64_t offset, uint64_t num_bytes) {
  const File file(path);
  struct stat status {};
  NF_CHECK(fstat(file.descriptor(), &status) == 0, NF_IO, path + ": " + std::strerror(errno));
  const auto size = static_cast<uint64_t>(status.st_size);
  NF_CHECK(num_bytes <= size && offset <= size - num_bytes, NF_IO,
           path + ": shorter than its header says");
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t begin = offset / page * page;
  mapped_bytes_ = static_cast<size_t>(offset - begin + num_bytes);
  mapping_ = mmap(nullptr, mapped_bytes_, PROT_READ, MAP_PRIVATE, file.descriptor(),
                  static_cast<off_t>(begin));
  if (mapping_ == MAP_FAILED) {
    mapping_ = nullptr;
    throw Error(NF_IO, path + ": cannot be mapped: " + std::strerror(errno));
  }
  madvise(mapping_, mapped_bytes_, MADV_SEQUENTIAL);
  data_ = static_cast<const std::byte*>(mapping_) + (offset - begin);
}

MappedRange::~MappedRange() { munmap(mapping_, mapped_bytes_); }

#endif

}  // namespace nf
