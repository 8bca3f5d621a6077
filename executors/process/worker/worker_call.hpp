/// @file
/// One call in its worker.
#pragma once

#include "process/plane/item_watch.hpp"
#include "process/worker/chunk_results.hpp"
#include "process/worker/raw_results.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>

#include <atomic>
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
    void return_items(std::uint32_t from) noexcept override;
    [[nodiscard]] raw_place open_raw(std::uint32_t size) noexcept override;
    [[nodiscard]] bool fail_item(std::uint32_t index, std::span<const std::byte> error) noexcept override;
    void end_fork() noexcept override;
    [[nodiscard]] bool borrows_results() const noexcept override { return true; }
    void finish(call_reply reply) noexcept override;

    static void* operator new(std::size_t size);
    static void operator delete(void* memory, std::size_t size) noexcept;

    const std::uint64_t ticket;
    worker_call* chain = nullptr;  // next in its bucket of the call_map
    // The trampoline, once the call runs: stored by the loop, read by the control thread for dumps, relaxed.
    std::atomic<call_entry> entry{nullptr};
    bool timed = false;  // has a time limit
    std::uint32_t watch = process_plane::no_watch;  // of a timed chunk
    std::uint64_t failures_before = 0;  // failed allocations when the call, or its item, began
    byte_buffer inline_arguments{};  // of a small request, whose slot is used again
    chunk_results results{};
    raw_results raw{};
    std::size_t error_bytes = 0;  // sent by `fail_item`

private:
    [[nodiscard]] bool item_stopped() noexcept;

    call_dispatcher& dispatcher_;
};

}  // namespace cadre::detail::process_worker
