# cmake -DPRESET=linux-x64 [-DTARGET="nanoflow;..."] -P eng/native-build.cmake
#
# Configures once and builds one preset. Several MSBuild nodes and several `dotnet build` may ask
# for it at the same time: a lock on the build folder lets one in, and the others then find the
# work done. Later configures need no call of ours: the build system sees changed inputs itself.
cmake_minimum_required(VERSION 3.25)

get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(folder "${root}/artifacts/native/${PRESET}")
set(target)
if(DEFINED TARGET)
  set(target --target ${TARGET})
endif()

file(MAKE_DIRECTORY "${folder}")
file(LOCK "${folder}" DIRECTORY GUARD PROCESS TIMEOUT 1800)

file(GLOB configured "${folder}/build.ninja" "${folder}/*.sln")
if(NOT configured)
  execute_process(COMMAND "${CMAKE_COMMAND}" --preset ${PRESET}
                  WORKING_DIRECTORY "${root}" COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" --build --preset ${PRESET} ${target}
                WORKING_DIRECTORY "${root}" COMMAND_ERROR_IS_FATAL ANY)
