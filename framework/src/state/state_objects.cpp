#include <cadre/detail/state/state_objects.hpp>

#include <new>
#include <string>

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>

#include "state/home_domains.hpp"

namespace cadre::detail {

memory_domain& domain_of(const executor& ex) {
    executor_backend& backend = *ex.backend();
    memory_domain* const domain = backend.domain();
    if (domain == nullptr)
        throw not_portable("executor '" + backend.name() + "' has no memory for channels, shared cells and locks");
    return *domain;
}

memory_domain& domain_of(decoder& in) {
    memory_domain* domain = in.context() != nullptr ? in.context()->domain : nullptr;
    // Of an executor that is being destroyed: it lives until the handle is decoded.
    static thread_local std::shared_ptr<memory_domain> home;
    if (domain == nullptr && (home = find_home_domain(in)) != nullptr) return *home;
    if (domain == nullptr) domain = program_domain();
    if (domain == nullptr) throw not_portable("this process shares no memory with other processes");
    return *domain;
}

namespace {
[[noreturn]] void throw_no_shared_memory() {
    throw not_portable(
        "an object of a local executor cannot be shared with other processes; make it for the process executor");
}
}  // namespace

std::shared_ptr<shared_channel> memory_domain::make_channel(std::size_t) { throw_no_shared_memory(); }
std::shared_ptr<shared_channel> memory_domain::take_channel(decoder&) { throw_no_shared_memory(); }
std::shared_ptr<process_lock> memory_domain::take_lock(decoder&) { throw_no_shared_memory(); }
std::shared_ptr<process_shared_lock> memory_domain::take_shared_lock(decoder&) { throw_no_shared_memory(); }
std::shared_ptr<shared_condition> memory_domain::take_condition(decoder&) { throw_no_shared_memory(); }
std::shared_ptr<shared_semaphore> memory_domain::take_semaphore(decoder&) { throw_no_shared_memory(); }
std::shared_ptr<shared_block> memory_domain::take_block(decoder&) { throw_no_shared_memory(); }

void require_alive(op_status outcome) {
    if (outcome == op_status::stopped) throw executor_stopped{};
    if (outcome == op_status::exhausted) throw std::bad_alloc();
    if (outcome == op_status::broken)
        throw error("an object in shared memory is inconsistent: another process has damaged it");
    if (outcome == op_status::foreign)
        throw not_portable(
            "a message contains a handle that this channel cannot carry: a channel of an executor of several "
            "hosts carries handles of objects of that executor only, and other channels carry none of these");
}

void throw_local_handle(const char* what) {
    throw not_portable(
        std::string("a ") + what +
        " of a local executor exists in this process only; make it for the executor to which it is sent");
}

}  // namespace cadre::detail
