/// @file
/// Calls that have ended: collected under the pool's locks, completed without `calls_mutex_`.
#pragma once

#include <cadre/detail/scheduler/portable_call.hpp>

#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

namespace cadre::detail::process_parent {

struct ended_call {
    portable_call* call;
    call_reply reply;
    std::uint32_t taken_back_from = 0;  // not 0: the call goes on without its items from here on
};
using ended_calls = std::vector<ended_call>;

[[nodiscard]] inline call_reply failure_reply(std::exception_ptr error) {
    call_reply reply;
    reply.kind = reply_kind::failure;
    reply.error = std::move(error);
    return reply;
}

/// Completes the calls and empties `ended`. Runs code of the caller of each call, which may submit to the pool.
void complete_all(ended_calls& ended) noexcept;

}  // namespace cadre::detail::process_parent
