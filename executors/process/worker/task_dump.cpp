// A worker's answer to `dump_tasks` in the parent, by its control thread: also while the loop computes.

#include "process/worker/call_dispatcher.hpp"
#include "scheduler/backend_list.hpp"
#include "scheduler/task_tree.hpp"
#include "scheduler/work_subject.hpp"

#include <cadre/executor_backend.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cadre::detail::process_worker {

void call_dispatcher::send_tasks(std::uint64_t request, pid_t program) noexcept {
    std::string text;
    try {
        std::vector<live_task> tasks;
        for (const auto& backend : all_backends()) {
            std::vector<live_task> own = tasks_of(*backend);
            tasks.insert(tasks.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
        }
        const std::uint64_t running = control_.running.load(std::memory_order_relaxed);
        std::vector<std::pair<std::size_t, work_subject>> unnamed;
        calls_.visit([&](worker_call& call) {
            const auto entry = call.entry.load(std::memory_order_relaxed);
            if (call.name.empty() && entry != nullptr)
                unnamed.emplace_back(tasks.size(), work_subject(reinterpret_cast<const void*>(entry), call.arguments));
            live_task& t = tasks.emplace_back();
            t.id = call.id;
            t.name = call.name;
            t.executor = "the worker";
            t.running = call.id == running;
            add_waits(call.stop, t.waits);
        });
        for (const auto& [index, work] : unnamed)
            tasks[index].function = work.function();
        text = print_tree(std::move(tasks), 4, program);
    } catch (const std::exception& e) {
        text = std::string("    no list of its tasks: ") + e.what() + '\n';
    }
    text.resize(std::min(text.size(), process_plane::max_dump));
    process_plane::event e{};
    e.kind = process_plane::event_kind::tasks;
    e.id = request;
    sender_.send(e, std::array{std::as_bytes(std::span(text))}, event_sender::notice::urgent);
}

}  // namespace cadre::detail::process_worker
