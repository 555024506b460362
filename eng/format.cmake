# cmake [-DCHECK=ON] -P eng/format.cmake
#
# Rewrites all sources in our style, or with CHECK only says which are not. The tools decide:
# dotnet format by .editorconfig, clang-format by .clang-format (version 14, Debian 12's; other
# versions break some lines elsewhere).
cmake_minimum_required(VERSION 3.25)

get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(dotnet_mode)
set(clang_mode -i)
if(CHECK)
  set(dotnet_mode --verify-no-changes)
  set(clang_mode --dry-run -Werror)
endif()

find_program(clang_format NAMES clang-format-14 clang-format)
if(NOT clang_format)
  message(FATAL_ERROR "clang-format is not installed (Debian: apt-get install clang-format)")
endif()
file(GLOB_RECURSE sources "${root}/native/*.h" "${root}/native/*.cpp" "${root}/native/*.cu"
     "${root}/native/*.cuh" "${root}/tests/native/*.h" "${root}/tests/native/*.cpp"
     "${root}/tests/cuda/*.h" "${root}/tests/cuda/*.cpp")
list(FILTER sources EXCLUDE REGEX "\\.g\\.cpp$")
if(sources)
  execute_process(COMMAND "${clang_format}" ${clang_mode} ${sources} COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND dotnet format "${root}/NanoFlow.sln" --no-restore ${dotnet_mode}
                WORKING_DIRECTORY "${root}" COMMAND_ERROR_IS_FATAL ANY)
