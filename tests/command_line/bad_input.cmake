# Runs PROGRAM with ARGUMENTS (separated by |) and requires status 2 and exactly one line, matching SAYS.

string(REPLACE "|" ";" arguments "${ARGUMENTS}")
execute_process(COMMAND ${PROGRAM} ${arguments}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors TIMEOUT 30)

if(NOT status EQUAL 2)
    message(FATAL_ERROR "ended with ${status} instead of 2, printed:\n${output}${errors}")
endif()
if(NOT output STREQUAL "" OR NOT errors MATCHES "^[^\n]+\n$")
    message(FATAL_ERROR "should print one line on standard error, printed:\n${output}${errors}")
endif()
if(NOT errors MATCHES "${SAYS}")
    message(FATAL_ERROR "the line should match ${SAYS}, but is:\n${errors}")
endif()
