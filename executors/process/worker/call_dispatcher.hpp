/// @file
/// Takes calls out of the request ring and runs them on the worker's loop.
#pragma once

#include "process/plane/call_memory.hpp"
#include "process/plane/supervisor_status_page.hpp"
#include "process/worker/event_sender.hpp"
#include "process/worker/worker_call.hpp"

#include <cadre/detail/scheduler/event_source.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>

namespace cadre::detail::process_worker {

class worker_backend;

/// The loop's source of calls and replies. A call is claimed only when the loop is about to run it, so that the parent
/// can take back what waits behind a long one.
class call_dispatcher final : public event_source {
public:
    call_dispatcher(const process_plane::call_memory& memory, const process_plane::supervisor_status_page& page,
                    event_sender& sender, std::shared_ptr<run_loop> loop, std::shared_ptr<worker_backend> backend);

    // For the loop.
    bool poll() noexcept override;
    [[nodiscard]] bool expects_soon() const noexcept override;
    void announce_sleep() noexcept override;
    void announce_awake() noexcept override;

    /// A stop request from the parent; any thread.
    void request_stop(std::uint64_t ticket, stop_reason why) noexcept;

    // For the control thread, which comes every few milliseconds while the loop may be computing.
    void remind() noexcept { sender_.remind(); }
    /// @return false if the loop is awake; else `order_bell` is rung when it wakes
    [[nodiscard]] bool sleeps_till_rung() noexcept;

    // For worker_call.
    void item_begins(const worker_call& call, std::uint32_t index) noexcept;
    void items_done(worker_call& call, std::uint32_t done, const byte_buffer& results) noexcept;
    void finished(worker_call* call, call_reply reply) noexcept;

private:
    struct pump_item : work_item {
        call_dispatcher* self = nullptr;
    };
    static void pump(work_item* item) noexcept;
    [[nodiscard]] bool may_claim() const noexcept;
    [[nodiscard]] bool claim_one() noexcept;
    void run(worker_call& call, std::uint16_t entry) noexcept;
    struct known_function {
        call_entry entry = nullptr;
        std::uint32_t slowest = 0;  // nanoseconds, of its last calls; 0: none yet
    };
    [[nodiscard]] known_function& function(std::uint16_t entry);
    std::uint32_t measure() noexcept;
    void ask_for_more() noexcept;
    bool wants_work() noexcept;
    void say(process_plane::worker_state state) noexcept;
    void say_cpu() noexcept;

    process_plane::call_memory::layout& parts_;
    process_plane::control_block& control_;
    process_plane::parent_words& parent_;
    const std::byte* base_;
    event_sender& sender_;
    std::shared_ptr<run_loop> loop_;
    std::shared_ptr<worker_backend> backend_;
    process_plane::request_reader requests_;
    process_plane::event_reader<process_plane::reply_slots> replies_;
    const std::uint32_t limit_;  // unfinished calls; 0: none

    pump_item pump_;
    bool pumping_ = false;
    std::uint64_t asked_at_ = ~std::uint64_t{0};  // where the ring was when more was asked for
    call_map calls_;
    std::atomic<bool> claiming_{false};
    std::deque<known_function> functions_;

    bool in_round_ = false;  // several calls may follow each other: their results are told together
    std::int64_t owing_since_ = 0;
    std::int64_t clock_ = 0;  // when the last call of this round ended; 0: none
    const worker_call* measured_ = nullptr;
    std::int64_t began_ = 0;
    std::uint32_t last_measure_ = 0;
    std::uint64_t state_count_ = 0;
    std::atomic<bool> ring_control_{false};  // when the loop wakes
};

}  // namespace cadre::detail::process_worker
