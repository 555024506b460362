# One warning set for everything we write; a warning is an error.
function(nf_warnings target)
  if(MSVC)
    target_compile_options(${target} PRIVATE /W4)
  else()
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:C,CXX>:-Wall -Wextra -Wconversion -Werror>
      $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings -Xptxas=-warn-spills>)
  endif()
endfunction()
