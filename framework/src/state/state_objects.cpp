#include <cadre/detail/state/state_objects.hpp>

#include <new>
#include <string>

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/state/object_registry.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>

#include "heap_objects.hpp"

namespace cadre::detail {

executor_backend& backend_with_domain(const executor& ex) {
    executor_backend& backend = *ex.backend();
    if (backend.domain() == nullptr)
        throw not_portable("executor '" + backend.name() + "' has no memory for channels, shared cells and locks");
    return backend;
}

bool has_shared_domain(executor_backend& backend) { return backend.domain()->shared(); }

std::shared_ptr<process_lock> make_lock(const executor& ex) {
    executor_backend& backend = backend_with_domain(ex);
    return has_shared_domain(backend) ? backend.domain()->make_lock() : make_heap_lock(object_registry_of(backend));
}

std::shared_ptr<shared_semaphore> make_semaphore(const executor& ex, std::uint32_t permits) {
    executor_backend& backend = backend_with_domain(ex);
    return has_shared_domain(backend) ? backend.domain()->make_semaphore(permits)
                                      : make_heap_semaphore(object_registry_of(backend), permits);
}

std::shared_ptr<shared_block> make_block(const executor& ex, std::size_t size, std::size_t alignment) {
    executor_backend& backend = backend_with_domain(ex);
    return has_shared_domain(backend) ? backend.domain()->make_block(size, alignment)
                                      : make_heap_block(object_registry_of(backend), size, alignment);
}

memory_domain& domain_of(decoder& in) {
    memory_domain* domain = in.context() != nullptr ? in.context()->domain : nullptr;
    if (domain == nullptr) domain = program_domain();
    if (domain == nullptr) throw not_portable("this process has no memory that it shares with others");
    return *domain;
}

void require_alive(op_status outcome) {
    if (outcome == op_status::stopped) throw executor_stopped{};
    if (outcome == op_status::exhausted) throw std::bad_alloc();
    if (outcome == op_status::broken)
        throw error("shared memory holds something impossible: another process damaged it");
}

void throw_local_handle(const char* what) {
    throw not_portable(std::string("a ") + what +
                       " of a local executor lives in this process only; make it for the executor it is sent to");
}

}  // namespace cadre::detail
