#include <cadre/timeout.hpp>

#include <string>
#include <utility>

#include "base/type_name.hpp"
#include "scheduler/task_chain.hpp"

#include <cadre/detail/codec/exception_codec.hpp>

namespace cadre::detail {

namespace {

// The origin of the error that the limit has caused stays: it names the worker and the task.
[[noreturn]] void throw_timed_out(const std::exception_ptr& cause, const std::string& text) {
    try {
        std::rethrow_exception(cause);
    } catch (const remote_origin& e) {
        const exception_origin& from = e.origin();
        std::rethrow_exception(
            rebuild_exception(timed_out(text), {from.where, from.item, type_name(typeid(timed_out)), text}, nullptr));
    } catch (...) {
        throw timed_out(text);
    }
}

}  // namespace

void timeout_stop::end(const environment& parent, const promise_base& ended) {
    const bool passed = deadline_.disarm();
    const bool parent_stopped = parent.stop != nullptr && parent.stop->stop_requested();
    if (!passed || !ended.failed() || parent_stopped || !ended_by_stop(ended.error())) return;
    std::string call = take_call_of_error(ended.error());
    if (std::string name = program_coroutine_name(coroutine_); !name.empty()) call = std::move(name);
    throw_timed_out(ended.error(), timed_out_text(limit_, call));
}

}  // namespace cadre::detail
