#include <cadre/dump_tasks.hpp>

#include <iterator>
#include <memory>
#include <ostream>
#include <utility>
#include <vector>

#include <unistd.h>

#include "scheduler/backend_list.hpp"
#include "scheduler/task_tree.hpp"

#include <cadre/executor_backend.hpp>

namespace cadre {

namespace {

constexpr std::chrono::seconds answer_limit{1};

}  // namespace

void dump_tasks(std::ostream& out) {
    const auto backends = detail::all_backends();
    std::vector<detail::live_task> tasks;
    for (const auto& backend : backends) {
        std::vector<detail::live_task> own = detail::tasks_of(*backend);
        tasks.insert(tasks.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
    }
    out << "cadre: process " << ::getpid() << ": " << tasks.size() << (tasks.size() == 1 ? " task\n" : " tasks\n")
        << detail::print_tree(std::move(tasks), 2, ::getpid());
    for (const auto& backend : backends)
        if (auto* const remote = static_cast<detail::remote_tasks*>(backend->query(typeid(detail::remote_tasks)));
            remote != nullptr)
            out << remote->dump(answer_limit);
    out.flush();
}

}  // namespace cadre
