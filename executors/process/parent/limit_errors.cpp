#include "process/parent/limit_errors.hpp"

#include "base/type_name.hpp"

#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/detail/task/time_limit.hpp>
#include <cadre/errors.hpp>

#include <typeinfo>

namespace cadre::detail::process_parent {
namespace {

std::exception_ptr ended_at(const worker_connection& c, const std::string& text) {
    return rebuild_exception(timed_out(text), {c.title(), {}, type_name(typeid(timed_out)), text}, nullptr);
}

}  // namespace

std::exception_ptr timed_out_error(const worker_connection& c, const call_record& r, const task_label& task,
                                   const std::string& last_output) {
    return ended_at(c, timed_out_text(r.limit.allowed, task.text) + last_output);
}

std::exception_ptr stopped_by_limit(const worker_connection& c, const call_record& r, const task_label& task) {
    if (r.limit.of_call) return timed_out_error(c, r, task);
    return ended_at(c, task.text + " exceeded its time limit and stopped when requested (" + c.title() + ")");
}

}  // namespace cadre::detail::process_parent
