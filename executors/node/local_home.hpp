/// @file
/// Requests for shared objects from the workers of the program's own host.
#pragma once

#include "common/pool_role.hpp"
#include "node/node_backend.hpp"

#include <cstdint>
#include <span>

namespace cadre::detail::node {

/// The program's host is node 0, as in the link. The backend outlives the pool.
class node_backend::local_home final : public home_upstream {
public:
    explicit local_home(home_service& objects) noexcept : objects_(objects) {}

    void request(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept override {
        objects_.request({0, worker}, ticket, body);
    }
    void stop(std::uint64_t worker, std::uint64_t ticket) noexcept override { objects_.stop({0, worker}, ticket); }
    void ended(std::uint64_t worker) noexcept override { objects_.ended({0, worker}); }

private:
    home_service& objects_;
};

}  // namespace cadre::detail::node
