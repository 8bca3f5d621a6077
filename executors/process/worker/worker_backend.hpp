/// @file
/// The process executor as a task in a worker sees it: its calls go to the parent, which places them like any other.
#pragma once

#include "process/worker/event_sender.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/task_limits.hpp>
#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace cadre::detail::process_worker {

class worker_backend final : public executor_backend,
                             private portable_identity,
                             private borrowed_arguments,
                             private task_limits {
public:
    /// @param domain  shared memory, or of an executor of several hosts the objects at home in the program
    worker_backend(const process_plane::worker_setup& setup, event_sender& sender, memory_domain& domain);

    [[nodiscard]] executor_kind kind() const noexcept override { return kind_; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return count_; }
    [[nodiscard]] std::string name() const override { return name_; }
    [[nodiscard]] bool remote() const noexcept override { return true; }
    [[nodiscard]] bool limits_calls() const noexcept override { return true; }
    [[nodiscard]] bool passes_descriptors() const noexcept override { return true; }
    [[nodiscard]] int default_retries() const noexcept override { return retries_; }
    void submit(std::span<work_item* const> items) noexcept override;
    void submit(std::span<portable_call* const> calls) noexcept override;
    void request_stop(portable_call& call, stop_reason why) noexcept override;
    void request_stop() noexcept override;
    [[nodiscard]] memory_domain* domain() noexcept override { return &domain_; }
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override;

    /// A call to whose caller its reply is to be passed.
    struct ended_call {
        portable_call* call = nullptr;  // null: none has ended
        call_reply reply{};  // in `bytes` the last item's exception, encoded, if it is unfinished

        /// May run the program's code, which may read further messages: this one has been passed before.
        void complete() noexcept;
    };
    /// Takes a reply from the parent, or a part of it; on the loop's thread. `body` is no longer needed afterwards.
    [[nodiscard]] ended_call take_reply(const process_plane::event& e, std::span<const std::byte> body,
                                        std::vector<unique_fd> descriptors) noexcept;
    /// How many tasks wait for nested calls; counted only where the number of unfinished tasks is limited.
    [[nodiscard]] std::size_t waiting_tasks() const noexcept { return waiting_.load(std::memory_order_relaxed); }

private:
    struct outstanding {
        portable_call* call = nullptr;
        std::uint64_t caller = 0;  // id of the task
        std::size_t bytes = 0;  // of name and arguments
        std::size_t descriptors = 0;  // in the arguments
        byte_buffer partial{};
    };
    // Why a call with so many bytes of name and arguments, and so many descriptors, is refused; null: it is not. Needs
    // `mutex_`.
    [[nodiscard]] std::exception_ptr refusal(std::size_t bytes, std::size_t descriptors) const noexcept;
    static void refuse(portable_call& call, std::exception_ptr why) noexcept;
    void send(portable_call& call, std::uint64_t ticket) noexcept;
    void add_to_caller(std::uint64_t caller, int change) noexcept;
    [[nodiscard]] std::chrono::nanoseconds default_limit() const noexcept override { return limit_; }
    [[nodiscard]] executor_identity portable_id() const noexcept override { return portable_id_; }

    const std::uint32_t count_;
    const bool limited_;
    const int retries_;
    const std::chrono::nanoseconds limit_;
    const std::string name_;
    const executor_kind kind_;
    const executor_identity portable_id_;
    event_sender& sender_;
    memory_domain& domain_;

    std::mutex mutex_;  // a leaf: guards the members below; calls complete without it
    std::uint64_t last_ticket_ = 0;
    std::unordered_map<std::uint64_t, outstanding> calls_;
    std::size_t bytes_ = 0;  // of `calls_`
    std::size_t descriptors_ = 0;  // of `calls_`
    std::unordered_map<std::uint64_t, std::size_t> callers_;
    std::atomic<std::size_t> waiting_{0};
};

}  // namespace cadre::detail::process_worker
