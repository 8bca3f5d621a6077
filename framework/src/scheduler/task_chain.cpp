#include "task_chain.hpp"

#include <cstdio>
#include <string_view>

#include "base/symbol_name.hpp"

#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/scheduler/fork_join.hpp>

namespace cadre::detail {

namespace {

constexpr std::size_t longest_chain = 64;

// Where the list of parameters begins; npos if there is none.
std::size_t parameters_of(std::string_view name) noexcept {
    constexpr std::string_view anonymous = "(anonymous namespace)";
    std::size_t depth = 0;  // of template arguments
    for (std::size_t i = 0; i != name.size(); ++i)
        if (name.substr(i).starts_with(anonymous))
            i += anonymous.size() - 1;
        else if (name[i] == '<')
            ++depth;
        else if (name[i] == '>' && depth != 0)
            --depth;
        else if (name[i] == '(' && depth == 0)
            return i;
    return std::string_view::npos;
}

// clang's symbol is that of the function, with a suffix; the parameter of g++'s is a frame.
std::string coroutine_name(const void* function) {
    std::string name = symbol_name(function);
    if (name.empty()) {
        char text[40];
        std::snprintf(text, sizeof text, "a coroutine at %p", function);
        return text;
    }
    const std::size_t suffix = name.find(" [clone ");
    const bool frame_parameter = suffix != std::string::npos && name.find(".actor", suffix) != std::string::npos;
    name.resize(std::min(suffix, name.size()));
    if (frame_parameter) name.resize(std::min(parameters_of(name), name.size()));
    return name;
}

bool of_library(std::string_view name) noexcept {
    // The demangler does not know names of constrained templates.
    return name.starts_with("_ZN5cadre") || name.find("cadre::detail::") < parameters_of(name) ||
           name.find("cadre::scope::run_child") < name.size();
}

}  // namespace

std::string program_coroutine_name(const void* function) {
    std::string name = coroutine_name(function);
    if (of_library(name)) name.clear();
    return name;
}

described_wait task_chain::describe(const wait_note& note) {
    described_wait to;
    to.frame = note.frame.address();
    to.kind = note.kind;
    if (note.env != nullptr && note.env->info != nullptr) to.task = note.env->info->id;
    if (note.frame != nullptr) walk(note.frame, note.env, to);
    return to;
}

// A coroutine whose promise does not hold the environment in which it waits is not a task: it is the body of a stream,
// or a coroutine of another library. The chain ends there.
void task_chain::walk(std::coroutine_handle<> frame, const environment* env, described_wait& to) {
    const promise_base* p = &promise_base::of(frame);
    to.functions.push_back(resume_function(frame));
    if (p->env_ != env) return;
    while (to.functions.size() < longest_chain) {
        const std::uintptr_t tag = p->continuation_ & promise_base::completion_tag;
        auto* const address = reinterpret_cast<void*>(p->continuation_ - tag);  // NOLINT(performance-no-int-to-ptr)
        if (tag == promise_base::completion_tag) {
            const auto& end = *static_cast<const completion*>(address);
            if (const auto describe = origin_description(description_key(end.done)); describe != nullptr) {
                const task_origin origin = describe(end);
                to.role = origin.role;
                to.where = origin.where;
            }
            return;
        }
        std::coroutine_handle<> parent;
        bool known = false;
        if (tag == promise_base::coroutine_tag) {
            parent = std::coroutine_handle<>::from_address(address);
            known = p->weight_ != 0;
        } else {
            const auto& children = *static_cast<const join*>(address);
            parent = std::coroutine_handle<>::from_address(children.parent_);
            known = promise_base::of(parent).env_ == children.parent_env_;
        }
        to.functions.push_back(resume_function(parent));
        if (!known) return;
        p = &promise_base::of(parent);
    }
}

std::string to_text(const std::source_location& where) {
    if (where.line() == 0) return {};
    return std::string(" at ") + where.file_name() + ':' + std::to_string(where.line()) + " in '" +
           where.function_name() + "'";
}

std::string to_text(const described_wait& wait) {
    std::string text = std::string("waits for ") + to_string(wait.kind);
    const char* before = ", in ";
    for (const void* const function : wait.functions) {
        const std::string name = coroutine_name(function);
        if (of_library(name)) continue;
        text += before + name;
        before = ", awaited by ";
    }
    if (*wait.role != '\0') text += std::string(", ") + wait.role + to_text(wait.where);
    return text;
}

}  // namespace cadre::detail
