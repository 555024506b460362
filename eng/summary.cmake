# cmake -DRESULTS=<folder> -P eng/summary.cmake
#
# Adds up every *.trx and *.junit.xml below the folder and prints, as its last line,
# "N passed, N failed, N skipped". Fails when a test failed, when there are no results, or when a
# skipped test is not named in tests/skips.txt, one a line: name | reason.
cmake_minimum_required(VERSION 3.25)

get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(passed 0)
set(failed 0)
set(skipped 0)
set(skipped_names)

# Brackets and semicolons mean something in a CMake list, dollars and backslashes in a macro's
# argument; in the output of a test they mean nothing.
function(read_plain file out)
  file(READ "${file}" text)
  string(REGEX REPLACE "[][;$\\]" "," text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

function(attribute text name out)
  string(REGEX MATCH " ${name}=\"([0-9]+)\"" found "${text}")
  if(NOT found)
    message(FATAL_ERROR "no ${name} in ${text}")
  endif()
  set(${out} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

# In a trx file what was skipped is total - executed; its own counter of that name stays 0.
macro(add_trx text)
  string(REGEX MATCH "<Counters [^>]*>" counters "${text}")
  attribute("${counters}" total total)
  attribute("${counters}" executed executed)
  attribute("${counters}" passed good)
  math(EXPR passed "${passed} + ${good}")
  math(EXPR failed "${failed} + ${executed} - ${good}")
  math(EXPR skipped "${skipped} + ${total} - ${executed}")
  string(REGEX MATCHALL "<UnitTestResult [^>]*outcome=\"NotExecuted\"[^>]*>" tests "${text}")
  foreach(test IN LISTS tests)
    string(REGEX REPLACE ".* testName=\"([^\"(]*).*" "\\1" name "${test}")
    list(APPEND skipped_names "${name}")
  endforeach()
endmacro()

macro(add_junit text)
  string(REGEX MATCH "<testsuite [^>]*>" counters "${text}")
  attribute("${counters}" tests total)
  attribute("${counters}" failures bad)
  attribute("${counters}" skipped unrun)
  math(EXPR passed "${passed} + ${total} - ${bad} - ${unrun}")
  math(EXPR failed "${failed} + ${bad}")
  math(EXPR skipped "${skipped} + ${unrun}")
  string(REGEX MATCHALL "<testcase [^>]*><skipped" tests "${text}")
  foreach(test IN LISTS tests)
    string(REGEX REPLACE ".* classname=\"([^\"]*)\" name=\"([^\"]*)\".*" "\\1: \\2" name "${test}")
    list(APPEND skipped_names "${name}")
  endforeach()
endmacro()

file(GLOB_RECURSE trx_files "${RESULTS}/*.trx")
file(GLOB_RECURSE junit_files "${RESULTS}/*.junit.xml")
foreach(file IN LISTS trx_files)
  read_plain("${file}" text)
  add_trx("${text}")
endforeach()
foreach(file IN LISTS junit_files)
  read_plain("${file}" text)
  add_junit("${text}")
endforeach()

set(problems)
if(NOT trx_files AND NOT junit_files)
  list(APPEND problems "no test left a result in ${RESULTS}")
  set(failed 1)
endif()
read_plain("${root}/tests/skips.txt" allowed)
foreach(name IN LISTS skipped_names)
  string(FIND "\n${allowed}" "\n${name} | " place)
  if(place EQUAL -1)
    list(APPEND problems "skipped, but not named with a reason in tests/skips.txt: ${name}")
  endif()
endforeach()
list(REMOVE_DUPLICATES problems)
if(failed GREATER 0)
  list(PREPEND problems "${failed} failed")
endif()
foreach(problem IN LISTS problems)
  message(SEND_ERROR "${problem}")  # the script goes on, and cmake's exit status is 1 in the end
endforeach()

execute_process(COMMAND "${CMAKE_COMMAND}" -E echo
                "${passed} passed, ${failed} failed, ${skipped} skipped")
