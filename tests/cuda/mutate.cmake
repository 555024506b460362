# cmake -DSETTINGS=<file> -P mutate.cmake
#
# Makes every change of mutations.txt in a copy of its file, compiles it into a copy of the test
# program, and runs the tests that must notice it. Fails when one of them does not. The file SETTINGS
# sets compiler, flags and objects (those of the test program), and work, a folder to work in.
cmake_minimum_required(VERSION 3.25)
include("${SETTINGS}")

set(kernels "${CMAKE_CURRENT_LIST_DIR}/../../native/cuda/kernels")
set(survivors 0)
set(made 0)

# Takes the first line off a text. Without lists: kernels are full of semicolons and brackets.
function(take_line text line)
  string(FIND "${${text}}" "\n" end)
  string(SUBSTRING "${${text}}" 0 ${end} first)
  math(EXPR rest "${end} + 1")
  string(SUBSTRING "${${text}}" ${rest} -1 others)
  set(${line} "${first}" PARENT_SCOPE)
  set(${text} "${others}" PARENT_SCOPE)
endfunction()

# Writes the file with `old` replaced, which must occur exactly once.
function(write_mutant file old new out)
  file(READ "${kernels}/${file}" text)
  string(FIND "${text}" "${old}" first)
  string(FIND "${text}" "${old}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "${file} does not have this exactly once: ${old}")
  endif()
  string(LENGTH "${old}" length)
  math(EXPR behind "${first} + ${length}")
  string(SUBSTRING "${text}" 0 ${first} before)
  string(SUBSTRING "${text}" ${behind} -1 after)
  file(WRITE "${out}" "${before}${new}${after}")
endfunction()

function(run_mutant source file words old new)
  set(folder "${work}/${made}")
  file(REMOVE_RECURSE "${folder}")
  if(NOT source STREQUAL file)
    configure_file("${kernels}/${source}" "${folder}/cuda/kernels/${source}" COPYONLY)
  endif()
  write_mutant("${file}" "${old}" "${new}" "${folder}/cuda/kernels/${file}")
  # A changed header stands before the real one; a changed source is linked before the real one.
  execute_process(COMMAND "${compiler}" "-I${folder}" ${flags} -x c++ -c -o "${folder}/mutant.o"
                          "${folder}/cuda/kernels/${source}"
                  COMMAND_ERROR_IS_FATAL ANY)
  file(WRITE "${folder}/objects" "")
  foreach(object IN LISTS objects)
    file(APPEND "${folder}/objects" "\"${object}\"\n")
  endforeach()
  execute_process(COMMAND "${compiler}" -pthread -Wl,-z,muldefs -Wl,--strip-debug
                          -o "${folder}/mutant" "${folder}/mutant.o" "@${folder}/objects" -ldl
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${folder}/mutant" "${words}" TIMEOUT 120 RESULT_VARIABLE result
                  OUTPUT_QUIET ERROR_QUIET)
  file(REMOVE_RECURSE "${folder}")
  if(result STREQUAL "0")
    message("not noticed: ${file}: ${old}\n    becomes: ${new}")
    math(EXPR count "${survivors} + 1")
    set(survivors ${count} PARENT_SCOPE)
  endif()
endfunction()

file(READ "${CMAKE_CURRENT_LIST_DIR}/mutations.txt" mutations)
while(NOT mutations STREQUAL "")
  take_line(mutations head)
  if(head STREQUAL "" OR head MATCHES "^#")
    continue()
  endif()
  if(NOT head MATCHES "^([^ ]+) ([^ ]+) (.+)$")
    message(FATAL_ERROR "mutations.txt: ${head}")
  endif()
  set(source "${CMAKE_MATCH_1}")
  set(file "${CMAKE_MATCH_2}")
  set(words "${CMAKE_MATCH_3}")
  take_line(mutations old)
  take_line(mutations new)
  string(REGEX REPLACE "^- " "" old "${old}")
  string(REGEX REPLACE "^[+] " "" new "${new}")
  math(EXPR made "${made} + 1")
  run_mutant("${source}" "${file}" "${words}" "${old}" "${new}")
endwhile()

if(survivors GREATER 0)
  message(FATAL_ERROR "${survivors} of ${made} changes of kernels were not noticed")
endif()
message("All ${made} changes of kernels were noticed.")
