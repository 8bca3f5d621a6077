#include "process/worker/worker_main.hpp"

#include "base/freed_memory.hpp"
#include "process/os/bootstrap.hpp"
#include "process/plane/call_memory.hpp"
#include "process/plane/supervisor_status_page.hpp"
#include "process/worker/call_dispatcher.hpp"
#include "process/worker/control_thread.hpp"
#include "process/worker/descriptor_check.hpp"
#include "process/worker/event_sender.hpp"
#include "process/worker/forked_child.hpp"
#include "process/worker/home_requests.hpp"
#include "process/worker/task_output.hpp"
#include "process/worker/trace_sink.hpp"
#include "process/worker/worker_backend.hpp"
#include "scheduler/event_log.hpp"
#include "scheduler/loop_driver_set.hpp"
#include "shm/state_plane.hpp"
#include "state/home_domains.hpp"
#include "state/remote_domain.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/detail/codec/function_identity.hpp>
#include <cadre/executors/worker_action.hpp>
#include <cadre/this_worker.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace cadre::detail::process_worker {

namespace {

using process_plane::event;
using process_plane::event_kind;

std::atomic<std::uint64_t>* running_word = nullptr;
call_dispatcher* only_dispatcher = nullptr;

shm::plane_invitation invitation_to(const process_os::worker_boot& boot, const process_plane::worker_setup& setup) {
    shm::plane_invitation i{{}, {boot.slot, static_cast<std::uint32_t>(boot.generation)}, setup.program, setup.region};
    for (const process_os::unique_fd& fd : std::span(boot.fds).subspan(4))
        i.descriptors.push_back(fd.get());
    return i;
}

// Runs an option's action, if there is one.
void call(const process_plane::worker_setup::action& action, const process_plane::call_memory& memory) {
    if (action.run.size == 0) return;
    decoder in(std::span(action.run.bytes, action.run.size));
    const auto address = reinterpret_cast<std::uintptr_t>(resolve_function(decode_function(in)));
    reinterpret_cast<action_runner>(address)(std::span(memory.base() + action.bytes.offset, action.bytes.size));
}

// @return false if it threw; the parent has been notified
bool run_initializer(const process_plane::call_memory& memory, event_sender& sender) {
    try {
        call(memory.control().setup.initializer, memory);
        return true;
    } catch (...) {
        byte_buffer error;
        encoder out(error);
        encode_exception(out, std::current_exception());
        event e{};
        e.kind = event_kind::start_failed;
        sender.send(e, std::array{std::span<const std::byte>(error.span())}, event_sender::notice::urgent);
        return false;
    }
}

void run_finalizer(const process_plane::call_memory& memory) noexcept {
    const process_plane::worker_setup& setup = memory.control().setup;
    try {
        call(setup.finalizer, memory);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "cadre: worker %u of executor '%s': its finalizer threw: %s\n", setup.index,
                     setup.executor_name, e.what());
    } catch (...) {
        std::fprintf(stderr, "cadre: worker %u of executor '%s': its finalizer threw\n", setup.index,
                     setup.executor_name);
    }
}

/// The shared objects of an executor of several hosts, which live in the program.
struct objects_elsewhere {
    objects_elsewhere(const executor_identity& of, event_sender& sender)
        : requests(sender), domain(std::make_shared<remote_domain>(of, requests)) {
        register_home_domain(of, domain);
    }
    home_requests requests;
    std::shared_ptr<remote_domain> domain;
};

/// The objects of a worker. Never destroyed: abandoned tasks may refer to them until the process exits.
struct worker_objects {
    explicit worker_objects(process_os::worker_boot&& b)
        : boot(std::move(b)), memory(process_plane::call_memory::attach(boot.fds[0].get())),
          page(process_plane::supervisor_status_page::attach(boot.fds[1].get())), socket(std::move(boot.fds[3])),
          plane(shm::state_plane::attach(invitation_to(boot, memory.control().setup))), setup(memory.control().setup),
          sender(memory, page, plane.processes().doorbell(0), boot.fds[2].get(), socket),
          elsewhere(setup.kind == executor_kind::process
                        ? nullptr
                        : std::make_unique<objects_elsewhere>(setup.portable_id, sender)),
          loop(run_loop::make("worker " + std::to_string(setup.index))),
          backend(std::make_shared<worker_backend>(
              setup, sender,
              elsewhere != nullptr ? static_cast<memory_domain&>(*elsewhere->domain) : plane.domain(setup.domain))),
          dispatcher(memory, page, sender, socket, loop, backend,
                     elsewhere != nullptr ? &elsewhere->requests : nullptr) {
        if (elsewhere != nullptr) elsewhere->requests.set_reader([this] { (void)dispatcher.read_replies(); });
    }

    process_os::worker_boot boot;
    const descriptor_check descriptors{boot};
    process_plane::call_memory memory;
    process_plane::supervisor_status_page page;
    process_plane::descriptor_socket socket;
    shm::state_plane& plane;
    const process_plane::worker_setup& setup;
    event_sender sender;
    std::unique_ptr<objects_elsewhere> elsewhere;  // null: its objects are in shared memory
    std::shared_ptr<run_loop> loop;
    std::shared_ptr<worker_backend> backend;
    call_dispatcher dispatcher;
    trace_sink trace{memory.parts().trace};
    std::atomic<bool> quit{false};
};

// All steps before the program's own code. A lack of memory or threads is not a failure of the initializer.
worker_objects& start(process_os::worker_boot&& boot) noexcept {
    const unsigned slot = boot.slot;
    try {
        note_worker_process();
        trust_library_paths();
        event_log::disable();
        static worker_objects* const only = new worker_objects(std::move(boot));
        worker_objects& w = *only;
        write_output_by_line();
        this_worker::detail::set_process_worker(w.setup.index, w.setup.count, w.setup.host);
        register_portable_executor(w.setup.portable_id, w.backend);
        running_word = &w.memory.control().running;
        only_dispatcher = &w.dispatcher;
        set_running_hook([](std::uint64_t id) noexcept {
            end_if_forked();
            if (id != 0) only_dispatcher->wake_control_thread_if_results_unread();
            running_word->store(id, std::memory_order_release);
        });
        if (w.setup.trace != 0) w.trace.install();
        loop_driver_set::instance().on_lost_descriptor([]() noexcept { end_without_descriptors(); });
        control_thread::start(w.memory, w.dispatcher, w.descriptors, w.quit);
        return w;
    } catch (const std::exception& e) {
        process_os::end_without_start(slot, e);
    }
}

}  // namespace

int worker_main(process_os::worker_boot&& boot) {
    worker_objects& w = start(std::move(boot));
    // What a worker keeps counts towards its limits.
    if (w.memory.control().setup.limits_memory == 0) keep_freed_memory();
    process_os::initializer_begins();
    if (!run_initializer(w.memory, w.sender)) return 1;

    add_event_source(w.dispatcher);
    event e{};
    e.kind = event_kind::ready;
    w.sender.send(e, {}, event_sender::notice::urgent);
    run_loop* const own = w.loop->reserve() ? w.loop.get() : nullptr;
    (void)drive_until([&w] { return w.quit.load(std::memory_order_acquire); }, own);
    run_finalizer(w.memory);
    std::exit(0);  // destroys what this_worker::local made and static objects, and calls the functions of atexit
}

}  // namespace cadre::detail::process_worker
