#include "node/relayed_call.hpp"

#include "node/agent.hpp"

#include <cadre/errors.hpp>

#include <exception>
#include <optional>
#include <span>
#include <utility>

namespace cadre::detail::node {

relayed_call::relayed_call(agent& owner, received_call from, std::uint64_t delivery_tag, std::uint64_t of)
    : number(from.number), generation(of), tag(delivery_tag), owner_(owner), all_arguments_(from.missing_bytes) {
    entry = from.entry;
    arguments = std::move(from.arguments);
    items = from.items;
    raw = from.raw;
    returns_items = from.returns_items;
    options = std::move(from.options);
    id = from.id;
}

void relayed_call::start(executor pool) noexcept {
    executor_backend* const backend = pool ? pool.backend().get() : nullptr;
    root_.id = id;
    root_.name = &options.name;
    root_.call = this;
    if (backend == nullptr || !backend->registry().enter(root_)) {
        complete(failed(std::make_exception_ptr(executor_stopped{})));
        return;
    }
    pool_ = std::move(pool);
    portable_call* const self = this;
    backend->submit(std::span(&self, 1));
}

// The first part has the identity of a function that is an argument, which errors name.
void relayed_call::add_arguments(byte_buffer part) {
    if (arguments.empty()) {
        arguments = std::move(part);
        return;
    }
    parts_.push_back(std::move(part));
    borrowed.push_back({arguments.size(), parts_.back().span()});
}

// The owner may be destroyed once the registry of the pool has recorded the end of the last call.
void relayed_call::complete(call_reply reply) noexcept {
    const executor pool = std::move(pool_);
    std::optional<work_end> end;
    if (pool) end.emplace(pool.backend()->registry(), root_);
    owner_.ended(*this, std::move(reply));
    delete this;
}

void relayed_call::take_back(std::uint32_t from) noexcept { owner_.returned(*this, from); }

}  // namespace cadre::detail::node
