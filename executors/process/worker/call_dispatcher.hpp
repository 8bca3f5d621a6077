/// @file
/// Takes calls out of the request ring and runs them on the worker's loop.
#pragma once

#include "process/plane/call_memory.hpp"
#include "process/plane/supervisor_status_page.hpp"
#include "process/worker/call_map.hpp"
#include "process/worker/event_sender.hpp"
#include "process/worker/memory_gauge.hpp"
#include "process/worker/round_timer.hpp"
#include "process/worker/worker_backend.hpp"
#include "process/worker/worker_functions.hpp"
#include "process/worker/worker_status.hpp"

#include <cadre/detail/scheduler/event_source.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>

#include <atomic>
#include <cstdint>
#include <memory>

#include <sys/types.h>

namespace cadre::detail::process_worker {

class home_requests;

/// The loop's source of calls and replies. A call is claimed only when the loop is about to run it, so that the parent
/// can revoke what waits behind a long one.
class call_dispatcher final : public event_source {
public:
    call_dispatcher(const process_plane::call_memory& memory, const process_plane::supervisor_status_page& page,
                    event_sender& sender, process_plane::descriptor_socket& socket, std::shared_ptr<run_loop> loop,
                    std::shared_ptr<worker_backend> backend, home_requests* home);

    // For the loop.
    bool poll() noexcept override;
    /// Also for a task that blocks the loop until it has an answer. @return whether there was any
    bool read_replies() noexcept;
    [[nodiscard]] bool expects_soon() const noexcept override;
    [[nodiscard]] bool may_spin() const noexcept override;
    /// Called before a task runs, because the task may compute for long.
    void wake_control_thread_if_results_unread() noexcept;
    void announce_sleep() noexcept override;
    void announce_awake() noexcept override { status_.announce_awake(); }

    // For the control thread.
    void request_stop(std::uint64_t ticket, stop_reason why) noexcept { calls_.request_stop(ticket, why); }
    /// Sends the tree of the tasks of this worker, as the answer to `request` of the process `program`.
    void send_tasks(std::uint64_t request, pid_t program) noexcept;
    /// Called every few milliseconds while the loop may be computing.
    void remind() noexcept { sender_.remind(); }
    /// @return false if the loop may compute over results that the parent has not read; else `command_bell` is rung
    /// when it does
    [[nodiscard]] bool sleeps_until_rung() noexcept {
        return status_.sleeps_until_rung([this] { return sender_.all_read(); });
    }

    // For worker_call.
    [[nodiscard]] process_plane::control_block& control() noexcept { return control_; }
    [[nodiscard]] event_sender& sender() noexcept { return sender_; }
    /// Whether the worker is to be replaced: an allocation has failed at its memory limit, or it is above the soft
    /// limit.
    [[nodiscard]] bool memory_exhausted() noexcept { return memory_.exhausted(); }
    /// Whether the memory of this worker is limited.
    [[nodiscard]] bool limits_memory() const noexcept { return control_.setup.limits_memory != 0; }
    /// Sends the reply and deletes the call.
    void finish(worker_call* call, call_reply reply) noexcept;
    /// `call` has not begun its items from `from` on, and does not.
    void send_returned(const worker_call& call, std::uint32_t from) noexcept;

private:
    struct pump_item : work_item {
        call_dispatcher* self = nullptr;
        bool queued = false;
    };
    /// A call that was claimed and waits for its file descriptors; no other is claimed meanwhile, so that none waits
    /// behind it that another worker could take.
    struct awaited_call {
        worker_call* call = nullptr;
        std::uint16_t entry = 0;
        bool ready = false;
        int error = 0;
    };
    static void pump(work_item* item) noexcept;
    void queue_round() noexcept;
    /// The event is no longer needed afterwards: it is consumed before the program's code runs.
    [[nodiscard]] worker_backend::ended_call take_reply(const process_plane::event& e);
    void ask_for_descriptors(worker_call& call, std::uint16_t entry) noexcept;
    void run_awaited() noexcept;
    void run_round() noexcept;
    [[nodiscard]] bool may_claim() const noexcept;
    [[nodiscard]] bool claim_one() noexcept;
    void read_request(const process_plane::request& q, worker_call& call) const;
    void run(worker_call& call, std::uint16_t entry) noexcept;
    void notify_before(const worker_functions::function& next) noexcept;
    void reject(worker_call& call, const std::exception& why) noexcept;
    void send_begun(const worker_call& call, std::int64_t began) noexcept;
    void retire_if_memory_exhausted() noexcept;
    void request_work_once() noexcept;
    bool request_work() noexcept;

    process_plane::control_block& control_;
    process_plane::parent_words& parent_;
    const std::byte* base_;  // of the call memory
    event_sender& sender_;
    process_plane::descriptor_socket& socket_;
    std::shared_ptr<run_loop> loop_;
    std::shared_ptr<worker_backend> backend_;
    home_requests* const home_;  // null: this executor's objects have no home in another process
    process_plane::request_reader requests_;
    process_plane::event_reader<process_plane::reply_slots> replies_;
    const std::uint32_t max_unfinished_;  // calls; 0: no limit

    pump_item pump_;
    awaited_call awaited_;
    std::uint64_t requested_at_ = ~std::uint64_t{0};  // position in the ring when work was requested
    call_map calls_;
    worker_functions functions_;
    round_timer timer_;
    worker_status status_;
    memory_gauge memory_;
    // Set once, by the thread that finishes a call; read by the loop before it claims. Relaxed: the parent revokes what
    // the loop has not claimed, and until then one more call does no harm.
    std::atomic<bool> retires_{false};
};

}  // namespace cadre::detail::process_worker
