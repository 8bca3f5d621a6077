/// @file
/// A call in the pool of the program's own host.
#pragma once

#include "node/message.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>

#include <cstdint>

namespace cadre::detail::node {

class node_backend;

/// Borrows the arguments of the original call, which must not change until that has completed. Deletes itself on
/// completion.
class local_call final : public portable_call {
public:
    local_call(node_backend& owner, call_number number, portable_call& original, int retries);

    void complete(call_reply reply) noexcept override;
    void take_back(std::uint32_t from) noexcept override;
    void note_worker(pid_t pid) noexcept override;

private:
    ~local_call() = default;

    node_backend& owner_;
    const call_number number_;
    portable_call& original_;
};

}  // namespace cadre::detail::node
