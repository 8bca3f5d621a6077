# Runs PROGRAM with ARGUMENTS (separated by |) and requires the status STATUS and that standard error matches SAYS.

string(REPLACE "|" ";" arguments "${ARGUMENTS}")
execute_process(COMMAND ${PROGRAM} ${arguments}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors TIMEOUT 50)

if(NOT "${status}" STREQUAL "${STATUS}")
    message(FATAL_ERROR "ended with ${status} instead of ${STATUS}, printed:\n${output}${errors}")
endif()
if(NOT errors MATCHES "${SAYS}")
    message(FATAL_ERROR "standard error should match ${SAYS}, but is:\n${errors}")
endif()
