# Fails where an instruction set's objects define a symbol outside of its namespace, or a weak one.

execute_process(COMMAND ${NM} --defined-only -C ${OBJECTS} OUTPUT_VARIABLE symbols
                RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${NM} failed on the objects of ${ISA}")
endif()
string(REGEX MATCHALL "[0-9a-f]+ [A-Zuvw] [^\n]*" global "${symbols}")
if(NOT global)
  message(FATAL_ERROR "no global symbols found in the objects of ${ISA}: not even fill()")
endif()
foreach(symbol ${global})
  if(NOT symbol MATCHES "^[0-9a-f]+ T mundur::${ISA}::fill")
    message(SEND_ERROR "${ISA}: symbol the linker may share with another build: ${symbol}")
  endif()
endforeach()
