# cmake -DOBJECT=prefill_attention_wgmma.o -DCUOBJDUMP=... -P tests/cuda/sass.cmake
#
# Is the machine code of prefill attention for sm_90a what its source means? Products by wgmma
# (HGMMA) that run in groups and not one by one, as ptxas makes them where it cannot see that
# registers are left alone; queries by tensor copies (UTMALDG); pages by bulk copies (UBLKCP);
# registers given from warpgroup to warpgroup (USETMAXREG); and nothing spilled (STL, LDL).
cmake_minimum_required(VERSION 3.25)

find_program(CUOBJDUMP cuobjdump REQUIRED)
execute_process(COMMAND "${CUOBJDUMP}" --dump-sass --gpu-architecture sm_90a "${OBJECT}"
                OUTPUT_VARIABLE code COMMAND_ERROR_IS_FATAL ANY)

function(count_of instruction result)
  string(REGEX MATCHALL "[ \t]${instruction}[ .]" found "${code}")
  list(LENGTH found count)
  set(${result} ${count} PARENT_SCOPE)
endfunction()

foreach(instruction HGMMA UTMALDG UBLKCP USETMAXREG)
  count_of(${instruction} count)
  if(count EQUAL 0)
    message(FATAL_ERROR "${OBJECT} has no ${instruction}")
  endif()
endforeach()
foreach(instruction STL LDL)
  count_of(${instruction} count)
  if(count GREATER 0)
    message(FATAL_ERROR "${OBJECT} keeps registers in local memory: ${count} ${instruction}")
  endif()
endforeach()

# A block of keys or values is at least four products, and is waited for once.
count_of(HGMMA products)
count_of("WARPGROUP\\.DEPBAR" waits)
math(EXPR least "4 * ${waits}")
if(products LESS least)
  message(FATAL_ERROR "${OBJECT} waits ${waits} times for ${products} products: they are serialised")
endif()
message(STATUS "${products} products, ${waits} waits")
