/// @file
/// One call in its worker, and the table by which a stop request finds it.
#pragma once

#include "process/worker/chunk_results.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>

#include <cstdint>
#include <mutex>
#include <vector>

namespace cadre::detail::process_worker {

class call_dispatcher;

/// Made when the call is claimed, gone when it has finished.
class worker_call final : public invocation {
public:
    worker_call(call_dispatcher& runner, std::uint64_t parents_ticket) noexcept
        : ticket(parents_ticket), runner_(runner) {}

    void begin_item(std::uint32_t index) noexcept override;
    void commit_items(std::uint32_t items_done, byte_buffer bytes) noexcept override;
    void finish(call_reply reply) noexcept override;

    static void* operator new(std::size_t size);
    static void operator delete(void* memory, std::size_t size) noexcept;

    const std::uint64_t ticket;
    worker_call* chain = nullptr;  // in its bucket
    bool timed = false;
    chunk_results results{};

private:
    call_dispatcher& runner_;
};

/// The calls that this worker has claimed and not finished, by ticket. Thread-safe.
class call_map {
public:
    call_map() : buckets_(64) {}

    void insert(worker_call& call);
    void erase(worker_call& call) noexcept;
    /// @return false if there is no such call
    bool request_stop(std::uint64_t ticket, stop_reason why) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    // Tickets number the parent's records, which are dense: the low bits spread well.
    [[nodiscard]] worker_call*& bucket(std::uint64_t ticket) noexcept {
        return buckets_[ticket & (buckets_.size() - 1)];
    }
    void grow();

    std::mutex mutex_;
    std::vector<worker_call*> buckets_;
    std::size_t size_ = 0;  // read by the loop's thread, which alone changes it
};

}  // namespace cadre::detail::process_worker
