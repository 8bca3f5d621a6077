#include <cadre/detail/call/call_errors.hpp>

#include <new>
#include <string>
#include <utility>

#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/errors.hpp>
#include <cadre/this_worker.hpp>

#include "base/exception_text.hpp"
#include "base/type_name.hpp"

namespace cadre::detail {

bool is_worker_death(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const worker_crashed&) {
        return true;
    } catch (const worker_lost&) {
        return true;
    } catch (const task_killed&) {
        return true;
    } catch (...) {
        return false;
    }
}

bool is_retryable(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const task_killed& e) {
        return e.reason() == kill_reason::memory_limit;
    } catch (...) {
        return is_worker_death(error);
    }
}

bool is_bad_alloc(const std::exception_ptr& error) noexcept {
    if (error == nullptr) return false;
    try {
        std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
        return true;
    } catch (...) {
        return false;
    }
}

namespace {

// An error that has come from another host has an origin, which names the worker and the host.
template <class E>
std::exception_ptr rebuild(const E& error, std::string worker, std::string_view where) {
    exception_origin origin{std::move(worker), {}, type_name(typeid(E)), text_of(error)};
    if (const auto* const remote = dynamic_cast<const remote_origin*>(&error)) {
        origin.where = remote->origin().where + ", ";
        origin.type_name = remote->origin().type_name;
    }
    origin.where.append(where);
    return rebuild_exception(error, std::move(origin), nullptr);
}

std::string worker_text(pid_t pid) { return "worker (pid " + std::to_string(pid) + "), "; }

}  // namespace

std::exception_ptr add_origin(const std::exception_ptr& error, std::string_view where) {
    try {
        std::rethrow_exception(error);
    } catch (const worker_crashed& e) {
        return rebuild(e, worker_text(e.pid()), where);
    } catch (const worker_lost& e) {
        return rebuild(e, worker_text(e.pid()), where);
    } catch (const task_killed& e) {
        return rebuild(e, worker_text(e.pid()), where);
    } catch (const timed_out& e) {
        return rebuild(e, {}, where);
    } catch (...) {
        return error;
    }
}

void rethrow_at_item(std::size_t index) {
    if (!this_worker::detail::in_worker_process()) throw;
    std::rethrow_exception(at_item(std::current_exception(), index));
}

}  // namespace cadre::detail
