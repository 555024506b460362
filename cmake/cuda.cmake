# The CUDA backend: NF_CUDA=on needs the toolkit (CUDA 12.4 or newer), off leaves it out, auto takes
# it where nvcc is found (CUDACXX or PATH). cmake/cuda-prefix.sh makes a toolkit out of Debian's packages.
#
# Only machine code is compiled, for the architectures that have kernels; the runtime is linked
# statically, everything else is loaded when it is needed.
set(NF_CUDA auto CACHE STRING "CUDA backend: auto, on or off")
set_property(CACHE NF_CUDA PROPERTY STRINGS auto on off)
if(NOT NF_CUDA MATCHES "^(auto|on|off)$")
  message(FATAL_ERROR "NF_CUDA=${NF_CUDA} is not one of auto, on, off")
endif()

set(NF_WITH_CUDA OFF)
if(NF_CUDA STREQUAL "off" OR WIN32 OR NF_SANITIZE)
  if(NF_CUDA STREQUAL "on")
    message(FATAL_ERROR "NF_CUDA=on: not for Windows, where nvcc needs MSVC, and not under a sanitizer")
  endif()
  return()
endif()

# Before the language is enabled: CMake would try nvcc's default, which newer toolkits dropped.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80-real 89-real 90a-real)
endif()
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(NF_CUDA STREQUAL "on")
    message(FATAL_ERROR "NF_CUDA=on: no nvcc was found; set CUDACXX, or see cmake/cuda-prefix.sh")
  endif()
  return()
endif()
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.4)
  message(FATAL_ERROR
          "CUDA 12.4 or newer is needed (green contexts), found ${CMAKE_CUDA_COMPILER_VERSION}")
endif()
# Not by FindCUDAToolkit: that of CMake 3.25 fails with CUDA 13, where a library is gone that it names.
get_filename_component(cuda_root "${CMAKE_CUDA_COMPILER}" REALPATH)
get_filename_component(cuda_root "${cuda_root}/../.." ABSOLUTE)
find_path(CUDA_RUNTIME_INCLUDE_DIR cuda_runtime.h REQUIRED
          HINTS ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES} ${cuda_root}/include)
find_path(CUBLASLT_INCLUDE_DIR cublasLt.h REQUIRED
          HINTS ${CUDA_RUNTIME_INCLUDE_DIR} ENV CUBLAS_INCLUDE_DIR)
find_library(CUDART_STATIC cudart_static REQUIRED
             HINTS ${CMAKE_CUDA_IMPLICIT_LINK_DIRECTORIES} ${cuda_root}/lib64
                   ${cuda_root}/targets/x86_64-linux/lib)
set(NF_CUDA_INCLUDE_DIRS ${CUDA_RUNTIME_INCLUDE_DIR} ${CUBLASLT_INCLUDE_DIR})
set(NF_CUDA_LIBRARIES ${CUDART_STATIC} ${CMAKE_DL_LIBS} rt)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has C++20
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
set(CMAKE_CUDA_FLAGS_RELWITHDEBINFO "-O3 -g -DNDEBUG")
set(NF_WITH_CUDA ON)
message(STATUS "CUDA ${CMAKE_CUDA_COMPILER_VERSION}: the CUDA backend is built")
