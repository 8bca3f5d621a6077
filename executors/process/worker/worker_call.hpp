/// @file
/// One call in its worker.
#pragma once

#include "process/worker/chunk_results.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>

#include <cstddef>
#include <cstdint>

namespace cadre::detail::process_worker {

class call_dispatcher;

/// Created when the call is claimed; `finish` deletes it.
class worker_call final : public invocation {
public:
    worker_call(call_dispatcher& dispatcher, std::uint64_t parents_ticket) noexcept
        : ticket(parents_ticket), dispatcher_(dispatcher) {}

    void begin_item(std::uint32_t index) noexcept override;
    void commit_items(std::uint32_t items_done, byte_buffer bytes,
                      std::vector<unique_fd> result_descriptors) noexcept override;
    [[nodiscard]] bool ends_early() noexcept override;
    void finish(call_reply reply) noexcept override;

    static void* operator new(std::size_t size);
    static void operator delete(void* memory, std::size_t size) noexcept;

    const std::uint64_t ticket;
    worker_call* chain = nullptr;  // next in its bucket of the call_map
    bool timed = false;            // has a time limit
    std::uint64_t failures_before = 0;  // failed allocations when the call, or its item, began
    chunk_results results{};

private:
    call_dispatcher& dispatcher_;
};

}  // namespace cadre::detail::process_worker
