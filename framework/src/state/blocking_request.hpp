/// @file
/// A request to the home of an object for whose answer the thread waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <span>

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/state/memory_domain.hpp>

#include "state/home_protocol.hpp"
#include "state/remote_objects.hpp"

namespace cadre::detail {

class blocking_request final : public home_transport::receiver {
public:
    void answered(std::span<const std::byte> answer) noexcept override {
        if (answer.empty()) {
            outcome = op_status::broken;
        } else {
            outcome = static_cast<op_status>(answer.front());
            try {
                body.append(answer.subspan(answer_head));
            } catch (const std::bad_alloc&) {
                outcome = op_status::exhausted;
            }
        }
        done.store(true, std::memory_order_release);
        done.notify_all();
    }

    std::atomic<bool> done{false};
    op_status outcome = op_status::broken;
    byte_buffer body{};
};

/// @param answer gets the answer without its status, `ticket` its ticket
[[nodiscard]] inline op_status ask_home(home_transport& home, home_op op, home_number number,
                                        std::span<const std::byte> arguments, byte_buffer* answer = nullptr,
                                        std::uint64_t* ticket = nullptr) noexcept {
    blocking_request request;
    home.send(std::array{std::as_bytes(std::span(&op, 1)), std::as_bytes(std::span(&number, 1)), arguments}, &request);
    home.wait(request.done);
    if (answer != nullptr) *answer = std::move(request.body);
    if (ticket != nullptr) *ticket = request.ticket;
    return request.outcome;
}

}  // namespace cadre::detail
