# One warning set for everything we write; a warning is an error.
function(nf_warnings target)
  if(MSVC)
    target_compile_options(${target} PRIVATE /W4)
  else()
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Werror)
  endif()
endfunction()
