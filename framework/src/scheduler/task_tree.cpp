#include "task_tree.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "work_subject.hpp"

#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

namespace {

void add_wait(const stop_node& listener, void* context) {
    auto& waits = *static_cast<std::vector<described_wait>*>(context);
    if (const waiter* const w = waiter::of(listener); w != nullptr) {
        if (const wait_note note = w->note(); note.frame != nullptr) waits.push_back(task_chain::describe(note));
    } else if (const auto describe = wait_description(description_key(listener.fire)); describe != nullptr) {
        waits.push_back(task_chain::describe(describe(listener)));
    }
}

class tree_printer {
public:
    tree_printer(std::vector<live_task>& tasks, pid_t program) : program_(program) {
        for (const live_task& t : tasks)
            known_[t.id] = &t;
        for (const live_task& t : tasks) {
            const bool below = t.starter != t.id && known_.contains(t.starter);
            children_[below ? t.starter : 0].push_back(&t);
        }
    }
    [[nodiscard]] std::string print(std::size_t indent) {
        add_children(0, indent);
        return std::move(text_);
    }

private:
    void add_children(std::uint64_t id, std::size_t indent) {
        const auto found = children_.find(id);
        if (found == children_.end()) return;
        for (const live_task* const t : std::exchange(found->second, {}))
            add(*t, indent);
    }
    void add(const live_task& t, std::size_t indent) {
        const std::string margin(indent, ' ');
        text_ += margin + "task" + id_text(t.id);
        if (!t.name.empty()) text_ += " '" + t.name + '\'';
        if (!t.function.empty()) text_ += ", " + t.function + ',';
        text_ += " on " + t.executor + ": " + state(t) + '\n';
        std::vector<std::string> lines;
        for (const described_wait& w : t.waits)
            lines.push_back(to_text(w));
        std::ranges::sort(lines);
        for (const std::string& line : lines)
            text_ += margin + "    " + line + '\n';
        if (const std::string at = to_text(t.where); !at.empty())
            text_ += margin + "    started" + at + '\n';
        else if (t.starter != 0 && t.starter != t.id)
            text_ += margin + "    started by task" + id_text(t.starter) + '\n';
        add_children(t.id, indent + 2);
    }
    // The pid of the process that has made the task is in the high bits.
    [[nodiscard]] std::string id_text(std::uint64_t id) const {
        if (id == 0) return {};
        const auto maker = static_cast<pid_t>(id >> 40);
        const std::string number = std::to_string(id & ((std::uint64_t{1} << 40) - 1));
        return " #" + (maker == program_ ? number : std::to_string(maker) + '.' + number);
    }
    [[nodiscard]] const char* state(const live_task& t) const {
        if (t.running) return "runs";
        if (!t.waits.empty()) return "waits";
        if (t.remote) return "in a worker, or queued for one";
        return children_.contains(t.id) ? "waits for the tasks below, runs, or is ready" : "runs, or is ready";
    }

    const pid_t program_;
    std::map<std::uint64_t, const live_task*> known_;
    std::map<std::uint64_t, std::vector<const live_task*>> children_;
    std::string text_;
};

}  // namespace

std::vector<live_task> tasks_of(executor_backend& backend) {
    struct collection {
        std::string executor;
        bool remote;
        std::vector<live_task> tasks{};
        std::vector<work_subject> subjects{};  // of the tasks
        std::vector<described_wait> waits{};
    } found{std::string(to_string(backend.kind())) + " executor '" + backend.name() + "'", backend.remote()};
    backend.registry().visit(
        [](const work_root& root, void* context) {
            auto& to = *static_cast<collection*>(context);
            live_task& t = to.tasks.emplace_back();
            t.id = root.id;
            t.starter = root.starter;
            to.subjects.emplace_back(root);
            t.executor = to.executor;
            t.remote = to.remote;
            t.where = root.where;
            if (root.stop != nullptr) add_waits(*root.stop, to.waits);
        },
        &found);
    for (std::size_t i = 0; i != found.tasks.size(); ++i) {
        found.tasks[i].name = found.subjects[i].name();
        if (found.tasks[i].name.empty()) found.tasks[i].function = found.subjects[i].function();
    }
    // A state may be listed with several tasks: a call's is below its caller's.
    std::ranges::sort(found.waits, {}, &described_wait::frame);
    const auto repeated = std::ranges::unique(found.waits, {}, &described_wait::frame);
    found.waits.erase(repeated.begin(), repeated.end());
    for (described_wait& w : found.waits) {
        const auto owner = std::ranges::find(found.tasks, w.task, &live_task::id);
        if (owner != found.tasks.end()) owner->waits.push_back(std::move(w));
    }
    return std::move(found.tasks);
}

void add_waits(stop_state& stop, std::vector<described_wait>& to) { stop.visit_listeners(&add_wait, &to); }

std::string print_tree(std::vector<live_task> tasks, std::size_t indent, pid_t program) {
    std::ranges::sort(tasks, {}, &live_task::id);
    return tree_printer(tasks, program).print(indent);
}

}  // namespace cadre::detail
