// What a performed operation gives to a worker, and how it is taken back from one that has ended.

#include <new>
#include <utility>

#include "state/home_operation.hpp"
#include "state/home_service.hpp"

namespace cadre::detail {

void home_service::completed(operation& op) noexcept {
    byte_buffer answer;
    bool granted = false;
    try {
        granted = grant(op, answer);
    } catch (const std::bad_alloc&) {
        drop_ungranted(op);
        undo(op);
        answer = byte_buffer();
        put(answer, op_status::exhausted);
        granted = true;
    }
    if (granted)
        answers_.answer(op.client, op.ticket, std::move(answer));
    else
        undo(op);
    const std::lock_guard hold(mutex_);
    op.next_done = std::exchange(done_, std::move(op.self));
    if (is_waited_for(op)) sessions_.find(op.client)->second.waits.erase(op.ticket);
}

bool home_service::grant(operation& op, byte_buffer& answer) {
    const bool performed = op.outcome == op_status::done;
    if (performed && op.op == home_op::wait_cell)
        answer = std::move(op.message.bytes);
    else
        put(answer, op.outcome);
    const bool receives = op.op == home_op::receive || op.op == home_op::try_receive;
    if (performed && receives) {
        const home_channel::message& m = op.received.front();
        answer.reserve(answer_head + sizeof(std::uint64_t) + m.bytes.size() + home_answers::spare);
        put<std::uint64_t>(answer, m.carries ? 1 : 0);
        answer.append(m.bytes.span());
    }
    if (performed && (op.locks() || op.shares())) {
        if (op.locked_cell != nullptr)
            answer.reserve(answer_head + sizeof(std::uint64_t) + op.locked_cell->size() + home_answers::spare);
        put<std::uint64_t>(answer, op.owner_died ? 1 : 0);
        if (op.locked_cell != nullptr) op.locked_cell->read(answer);
    }
    const std::lock_guard hold(mutex_);
    if (!is_waited_for(op)) return false;
    if (!performed || op.op == home_op::send || op.op == home_op::try_send || op.op == home_op::watch ||
        op.op == home_op::wait_cell)
        return true;
    session& s = sessions_.find(op.client)->second;
    if (op.op == home_op::await_notification) {
        s.received[op.ticket].notified = std::static_pointer_cast<home_condition>(op.target);
        return true;
    }
    if (receives) {
        auto& carried = op.received.front().carried;
        for (const auto& [number, object] : carried)
            possession_of(s, number).object = object;
        in_hand& received = s.received[op.ticket];
        // Each of these handles is the worker's from now on, whatever becomes of the message.
        for (const auto& [number, object] : carried)
            ++s.possessions.find(number)->second.handles;
        received.channel = std::static_pointer_cast<home_channel>(op.target);
        received.message = std::move(op.received);
        return true;
    }
    possession& p = possession_of(s, op.target_number);
    p.object = op.target;
    if (op.locks())
        p.lock_ticket = op.ticket;
    else if (op.shares())
        ++p.shares;
    else
        p.permits += op.permits;
    return true;
}

void home_service::give_back(in_hand taken) noexcept {
    if (taken.notified != nullptr)
        taken.notified->notify(1);
    else
        taken.channel->give_back(std::move(taken.message));
}

void home_service::undo(operation& op) noexcept {
    if (op.outcome != op_status::done) return;
    switch (op.op) {
        case home_op::receive:
        case home_op::try_receive: return static_cast<home_channel&>(*op.target).give_back(std::move(op.received));
        case home_op::lock:
        case home_op::try_lock:
            // It passes on that an earlier owner died.
            return op.owner_died ? release_dead_owner(static_cast<process_lock&>(*op.target))
                                 : static_cast<process_lock&>(*op.target).unlock();
        case home_op::lock_shared:
        case home_op::try_lock_shared: return static_cast<home_shared_lock&>(*op.target).unlock_shared();
        case home_op::await_notification: return static_cast<home_condition&>(*op.target).notify(1);
        case home_op::acquire:
        case home_op::try_acquire: return static_cast<shared_semaphore&>(*op.target).give_back(op.permits);
        default: return;
    }
}

}  // namespace cadre::detail
