/// @file
/// An operation on an object at home that a worker of another host has asked for.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/state/memory_domain.hpp>

#include "state/home_locks.hpp"
#include "state/home_service.hpp"

namespace cadre::detail {

/// An operation for a worker. It waits like a coroutine of the program.
class home_service::operation : public shared_object::pending_operation {
public:
    operation(home_service& owner, home_client from, std::uint64_t number, home_op what,
              std::shared_ptr<shared_object> on, home_number object_number)
        : service(owner), client(from), ticket(number), op(what), target(std::move(on)), target_number(object_number) {
        object = target.get();
        try_now = [](pending_operation& p) noexcept { return static_cast<operation&>(p).perform(); };
        if (op == home_op::send || op == home_op::try_send) queue = 1;
        if (op == home_op::wait_cell) {
            queue = shared_block::changes;
            independent = true;
            // What the wait has changed is taken back if it is stopped, but not if its worker has died.
            withdraw = [](pending_operation& p) noexcept {
                auto& waiting = static_cast<operation&>(p);
                if (!waiting.stopping) return true;
                p.outcome = waiting.check_cell(true);
                return p.outcome == op_status::would_block;
            };
        }
        if (op == home_op::await_notification)
            // Of a worker that has died, the notification is passed on later, without the lock of the queue.
            withdraw = [](pending_operation& p) noexcept {
                auto& waiting = static_cast<operation&>(p);
                waiting.notified = !static_cast<home_condition&>(*waiting.target).withdraw();
                if (!waiting.notified || !waiting.stopping) return true;
                p.outcome = op_status::done;
                return false;
            };
        service.operations_.fetch_add(1, std::memory_order_relaxed);
    }
    ~operation() { service.operations_.fetch_sub(1, std::memory_order_release); }
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;

    [[nodiscard]] op_status perform() noexcept {
        switch (op) {
            case home_op::send:
            case home_op::try_send:
                return static_cast<home_channel&>(*target).try_send(message.bytes.span(), message.carries,
                                                                    message.charge);
            case home_op::receive:
            case home_op::try_receive: return static_cast<home_channel&>(*target).take(received);
            case home_op::watch:
                return static_cast<shared_channel&>(*target).may_proceed(queue) ? op_status::done
                                                                                : op_status::would_block;
            case home_op::lock:
            case home_op::try_lock: return static_cast<process_lock&>(*target).try_lock(owner_died);
            case home_op::lock_shared:
            case home_op::try_lock_shared: return static_cast<home_shared_lock&>(*target).try_lock_shared(owner_died);
            case home_op::wait_cell: return check_cell(false);
            case home_op::await_notification: return static_cast<home_condition&>(*target).try_take();
            default: return static_cast<shared_semaphore&>(*target).try_acquire(permits);
        }
    }

    [[nodiscard]] bool waits() const noexcept {
        switch (op) {
            case home_op::send:
            case home_op::receive:
            case home_op::watch:
            case home_op::lock:
            case home_op::lock_shared:
            case home_op::acquire:
            case home_op::wait_cell:
            case home_op::await_notification: return true;
            default: return false;
        }
    }
    [[nodiscard]] bool locks() const noexcept { return op == home_op::lock || op == home_op::try_lock; }
    [[nodiscard]] bool shares() const noexcept { return op == home_op::lock_shared || op == home_op::try_lock_shared; }

    void start() {
        if (op == home_op::await_notification) static_cast<home_condition&>(*target).enter();
        prepare(nullptr, environment_of_answers(), nullptr);
        run = [](work_item* item) noexcept {
            auto& ended = *static_cast<operation*>(item);
            ended.service.completed(ended);
        };
        if (!target->park(*this) || !commit()) service.completed(*this);
    }

private:
    [[nodiscard]] op_status check_cell(bool withdrawn) noexcept {
        auto& block = static_cast<shared_block&>(*target);
        const op_status alive = block.alive();
        return alive == op_status::done ? cell(block, message.bytes.span().subspan(answer_head), withdrawn) : alive;
    }

    class immediate_home;
    [[nodiscard]] static environment* environment_of_answers();

public:
    home_service& service;
    const home_client client;
    const std::uint64_t ticket;
    const home_op op;
    const std::shared_ptr<shared_object> target;
    const home_number target_number;
    home_channel::message message{};  // to be sent; its charge is that of the operation
    home_channel::messages received{};  // one message, if the operation is a receive that was performed
    std::uint32_t permits = 0;
    bool owner_died = false;
    cell_function cell = nullptr;  // the operation on a cell; its state is the message, behind the head of the answer
    std::shared_ptr<home_cell> locked_cell{};  // the cell whose lock it takes
    bool notified = false;  // withdrawn from a condition, with a notification
    bool stopping = false;  // by a stop request of the task
    std::shared_ptr<operation> self{};  // keeps the operation until it has completed or was withdrawn
    std::shared_ptr<operation> next_done{};
};

}  // namespace cadre::detail
