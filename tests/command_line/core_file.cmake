# Runs PROGRAM, which hangs and aborts, under GDB, writes the core file CORE, and requires that the command `cadre tasks` of SCRIPT
# finds what each task waits for there.

set(gdb ${GDB} -nx -batch -iex "set debuginfod enabled off")
execute_process(COMMAND ${gdb} -ex run -ex "generate-core-file ${CORE}" --args ${PROGRAM} ${ARGUMENT}
    OUTPUT_VARIABLE output ERROR_VARIABLE output TIMEOUT 50)
if(output MATCHES "ptrace: [^\n]*(not permitted|denied)")
    message("gdb may not trace a process here")
    return()
endif()
if(NOT EXISTS ${CORE})
    message(FATAL_ERROR "no core file:\n${output}")
endif()
execute_process(COMMAND ${gdb} -x ${SCRIPT} -ex "cadre tasks" ${PROGRAM} ${CORE}
    OUTPUT_VARIABLE output ERROR_VARIABLE errors TIMEOUT 50)
file(REMOVE ${CORE})
foreach(part
        "cadre: 2 tasks\n"
        "task #[0-9]+ 'main' on [a-z_]+: waits for the tasks below"
        "started at [^\n]*hanging.cpp:[0-9]+ in 'int main"
        "task #[0-9]+ 'pipeline' on [a-z_]+: waits\n"
        "waits: send, in sends_too_much[^\n]*, a task of the scope made at [^\n]*hanging.cpp:"
        "waits: select, in reads_what_nobody_sends"
        "waits: sleep[^\n]*, in keeps_on"
        "waits: join, in joins_a_pipeline")
    if(NOT output MATCHES "${part}")
        message(FATAL_ERROR "not found: ${part}\nin:\n${output}\n${errors}")
    endif()
endforeach()
