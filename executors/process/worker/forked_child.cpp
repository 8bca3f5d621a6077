#include "process/worker/forked_child.hpp"

#include <string_view>

#include <unistd.h>

namespace cadre::detail::process_worker {

constinit const process_owner* worker_process = nullptr;

void note_worker_process() { worker_process = new process_owner; }

void end_forked_child() noexcept {
    constexpr std::string_view text = "cadre: a child process that a task forked has left the function of the task and "
                                      "was ended; call _exit in the child\n";
    [[maybe_unused]] const auto n = ::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(1);
}

}  // namespace cadre::detail::process_worker
