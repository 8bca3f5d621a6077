/// @file
/// A request to the home of an object for whose answer the thread waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/state/memory_domain.hpp>

#include "state/home_protocol.hpp"
#include "state/remote_objects.hpp"

namespace cadre::detail {

class blocking_request final : public home_transport::receiver {
public:
    void answered(std::span<const std::byte> answer) noexcept override {
        status = answer_status::of(answer);
        try {
            if (!answer.empty()) body.append(answer.subspan(answer_head));
        } catch (const std::bad_alloc&) {
            const std::byte without = status_without_answer(answer);
            status = answer_status::of({&without, 1});
        }
        done.store(true, std::memory_order_release);
        done.notify_all();
    }

    std::atomic<bool> done{false};
    answer_status status{};
    byte_buffer body{};
};

/// The answer to such a request.
struct home_reply {
    op_status outcome = op_status::broken;
    bool lost = false;  ///< as in `answer_status`
    std::uint64_t ticket = 0;
    byte_buffer body{};  ///< the answer without its status

    /// For the answer to an attempt to lock: whether the previous owner died.
    [[nodiscard]] bool owner_died() const noexcept {
        return outcome == op_status::done && !body.empty() && body.span().front() != std::byte{0};
    }
};

[[nodiscard]] inline home_reply ask_home(home_transport& home, home_op op, home_number number,
                                         std::span<const std::byte> arguments) noexcept {
    blocking_request request;
    home.send(std::array{std::as_bytes(std::span(&op, 1)), std::as_bytes(std::span(&number, 1)), arguments}, &request);
    home.wait(request.done);
    home_reply reply;
    reply.outcome = request.status.outcome;
    reply.lost = request.status.lost;
    reply.ticket = request.ticket;
    reply.body = std::move(request.body);
    return reply;
}

}  // namespace cadre::detail
