# How every native file is compiled: C++20, hidden symbols, and floating point that does not
# depend on the compiler's mood.
#
# No -march=native and no -ffast-math: a build must run, and answer alike, on every machine.
# -ffp-contract=off: a*b+c is fused only where a kernel says so, so that changing the compiler or
# its flags cannot change a logit.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)  # for clang-tidy and editors

if(MSVC)
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "/O2 /Zi /DNDEBUG")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "/O2 /Zi /DNDEBUG")
  add_compile_options(/fp:precise /utf-8 $<$<COMPILE_LANGUAGE:CXX>:/Zc:__cplusplus>)
  add_compile_definitions(NOMINMAX _CRT_SECURE_NO_WARNINGS)
else()
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O3 -g -DNDEBUG")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O3 -g -DNDEBUG")
  add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-ffp-contract=off>)
endif()

if(NF_SANITIZE)
  # The first report ends the test run: a sanitizer that only prints is not a test.
  add_compile_options(-fsanitize=${NF_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${NF_SANITIZE})
endif()

find_package(Threads REQUIRED)

# nf_isa_flags(<out> <isa>): the flags of a kernel file named *_<isa>.cpp. A kernel file is entered
# only after the CPU was asked, so these flags must reach no other file.
function(nf_isa_flags out isa)
  if(MSVC)
    set(avx2 /arch:AVX2)
    set(avx512 /arch:AVX512)
    set(avx512bf16 /arch:AVX512)
  else()
    set(avx2 -mavx2 -mfma -mf16c)
    set(avx512 ${avx2} -mavx512f -mavx512bw -mavx512vl -mavx512dq)
    set(avx512bf16 ${avx512} -mavx512bf16 -mavx512vnni)
    if(MINGW)
      # GCC does not keep 32-byte stack alignment on Win64 (its bug 54412): an aligned spill of a
      # vector register faults there, an unaligned move of the same register does not.
      foreach(set avx2 avx512 avx512bf16)
        list(APPEND ${set} -Wa,-muse-unaligned-vector-move)
      endforeach()
    endif()
  endif()
  set(${out} ${${isa}} PARENT_SCOPE)
endfunction()
