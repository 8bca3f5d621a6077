# Runs PROGRAM with ARGUMENTS (separated by |), which write the trace FILE; requires the status STATUS and that CHECK accepts the file.

string(REPLACE "|" ";" arguments "${ARGUMENTS}")
file(REMOVE ${FILE})
execute_process(COMMAND ${PROGRAM} ${arguments}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors TIMEOUT 50)
if(NOT "${status}" STREQUAL "${STATUS}")
    message(FATAL_ERROR "ended with ${status} instead of ${STATUS}, printed:\n${output}${errors}")
endif()
execute_process(COMMAND ${CHECK} ${FILE} COMMAND_ERROR_IS_FATAL ANY)
