# cmake [-DALL=ON] -P eng/test.cmake
#
# Runs every test of a built solution, lets a failing part not stop the others, and ends with the
# line of eng/summary.cmake. ALL runs the large counts, the tests of CUDA kernels on kernels that
# were changed, the native tests under the sanitizers, and the style checks, whose tools a machine
# that only builds need not have.
cmake_minimum_required(VERSION 3.25)

get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(results "${root}/artifacts/test")
file(REMOVE_RECURSE "${results}")
file(MAKE_DIRECTORY "${results}")
if(ALL)
  set(ENV{NANOFLOW_TEST_SCALE} large)
endif()

# Runs a part. One that fails while its reports know of no failed test (it crashed, it leaked, it
# did not build) counts as one failed test of its own name.
function(part name reports)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY "${root}" RESULT_VARIABLE status)
  if(status EQUAL 0)
    return()
  endif()
  file(GLOB files "${results}/${reports}")
  foreach(file IN LISTS files)
    file(STRINGS "${file}" known REGEX " (failed|failures)=\"[1-9]" LIMIT_COUNT 1)
    if(known)
      return()
    endif()
  endforeach()
  message(NOTICE "${name} did not run to its end: ${status}")
  file(WRITE "${results}/${name}.run.junit.xml"
"<testsuite name=\"${name}\" tests=\"1\" failures=\"1\" skipped=\"0\">
<testcase classname=\"${name}\" name=\"runs to its end\"><failure message=\"${status}\"/></testcase>
</testsuite>
")
endfunction()

function(native_tests preset)
  set(out "${root}/artifacts/native/${preset}/out")
  if(CMAKE_HOST_WIN32)
    set(out "${out}/RelWithDebInfo")
  endif()
  set(report native-${preset}.junit.xml)
  part(build-${preset} none "${CMAKE_COMMAND}" -DPRESET=${preset}
       -P "${root}/eng/native-build.cmake")
  part(native-${preset} ${report} "${out}/nanoflow_native_tests" --junit "${results}/${report}")
  if(EXISTS "${out}/nanoflow_cuda_tests")  # where the device can be emulated
    set(report cuda-${preset}.junit.xml)
    part(cuda-${preset} ${report} "${out}/nanoflow_cuda_tests" --junit "${results}/${report}")
  endif()
endfunction()

if(CMAKE_HOST_WIN32)
  native_tests(win-x64)
else()
  native_tests(linux-x64)
endif()
part(dotnet-test *.trx dotnet test "${root}/NanoFlow.sln" --no-build --nologo
     -v q -c Release "-p:TestResults=${results}")

# The goldens once more on the instruction sets that this machine has but would not choose.
if(EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo flags REGEX "^flags" LIMIT_COUNT 1)
  set(sets scalar)
  if(flags MATCHES " avx2 ")
    list(APPEND sets avx2)
  endif()
  if(flags MATCHES " avx512vl ")
    list(APPEND sets avx512)
  endif()
  foreach(isa IN LISTS sets)
    set(ENV{NANOFLOW_CPU_ISA} ${isa})
    part(goldens-${isa} none dotnet test "${root}/tests/NanoFlow.Golden.Tests" --no-build --nologo
         -v q -c Release)
  endforeach()
  unset(ENV{NANOFLOW_CPU_ISA})
endif()

if(ALL)
  if(NOT CMAKE_HOST_WIN32)
    part(cuda-mutants none "${CMAKE_COMMAND}" -DPRESET=linux-x64 -DTARGET=nanoflow_cuda_mutants
         -P "${root}/eng/native-build.cmake")
    native_tests(linux-x64-asan)
    set(ENV{TSAN_OPTIONS} "suppressions=${root}/tests/native/tsan.supp")
    native_tests(linux-x64-tsan)
  endif()
  part(format none "${CMAKE_COMMAND}" -DCHECK=ON -P "${root}/eng/format.cmake")
endif()

set(RESULTS "${results}")
include("${CMAKE_CURRENT_LIST_DIR}/summary.cmake")
