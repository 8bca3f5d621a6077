#include "node/answer_port.hpp"

#include <typeinfo>
#include <utility>

namespace cadre::detail::node {

void answer_port::send(executor_backend& pool, std::uint64_t worker, std::uint64_t ticket,
                       std::span<const std::byte> body) noexcept {
    if (auto* const down = static_cast<home_downstream*>(pool.query(typeid(home_downstream))))
        down->answer(worker, ticket, body);
}

void answer_port::attach(const executor& pool) noexcept {
    std::vector<waiting> early;
    {
        const std::lock_guard hold(mutex_);
        pool_ = pool.backend();
        attached_ = true;
        early.swap(early_);
    }
    for (const waiting& each : early)
        send(*pool.backend(), each.worker, each.ticket, each.body.span());
}

void answer_port::answer(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept {
    std::shared_ptr<executor_backend> pool;
    {
        const std::lock_guard hold(mutex_);
        if (!attached_) {
            early_.push_back({worker, ticket, {}});
            early_.back().body.append(body);
            return;
        }
        pool = pool_.lock();
    }
    if (pool != nullptr) send(*pool, worker, ticket, body);
}

void answer_port::abandon(std::uint64_t worker) noexcept {
    std::unique_lock hold(mutex_);
    const std::shared_ptr<executor_backend> pool = pool_.lock();
    hold.unlock();
    if (pool == nullptr) return;
    if (auto* const down = static_cast<home_downstream*>(pool->query(typeid(home_downstream)))) down->abandon(worker);
}

}  // namespace cadre::detail::node
