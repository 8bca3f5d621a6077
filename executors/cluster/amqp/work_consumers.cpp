#include "work_consumers.hpp"

#include <algorithm>
#include <utility>

namespace cadre::detail::amqp {

work_consumers::consumer* work_consumers::find(std::uint64_t number) noexcept {
    const auto found = std::ranges::find(consumers_, number, &consumer::number);
    return found == consumers_.end() ? nullptr : &*found;
}

std::uint32_t work_consumers::active_credit() const noexcept {
    std::uint32_t sum = 0;
    for (const consumer& c : consumers_)
        if (!c.cancelled) sum += c.prefetch;
    return sum;
}

std::uint32_t work_consumers::held_beside() const noexcept {
    std::uint32_t sum = acknowledged_early_;
    for (const consumer& c : consumers_)
        if (c.cancelled) sum += c.held;
    return sum;
}

std::optional<work_consumers::change> work_consumers::next_change(std::uint32_t credit) {
    credit = std::min(credit, max_credit);
    const std::uint32_t active = active_credit();
    const std::uint32_t beside = held_beside();
    const std::uint32_t allowed = credit > beside ? credit - beside : 0;
    if (active > allowed) {
        const auto youngest = std::ranges::find(consumers_.rbegin(), consumers_.rend(), false, &consumer::cancelled);
        const change made{true, youngest->number, 0};
        youngest->cancelled = true;
        if (youngest->held == 0) consumers_.erase(std::next(youngest).base());
        return made;
    }
    const std::uint32_t missing = allowed - active;
    // Messages of cancelled consumers end one by one: a consumer for each of them would be too many.
    if (missing == 0 || (beside > 0 && missing < credit / 4)) return std::nullopt;
    const change made{false, next_number_++, static_cast<std::uint16_t>(missing)};
    consumers_.push_back({made.consumer, made.prefetch, 0, false});
    return made;
}

void work_consumers::delivered(std::uint64_t number, std::uint64_t tag, clock::time_point now) {
    if (consumer* const c = find(number))
        ++c->held;
    else  // sent before the broker handled the cancel
        consumers_.push_back({number, 0, 1, true});
    held_.emplace(tag, held_delivery{number, now, false});
}

void work_consumers::release(std::uint64_t number) noexcept {
    consumer* const c = find(number);
    if (c == nullptr || c->held == 0) return;
    --c->held;
    if (c->cancelled && c->held == 0) consumers_.erase(consumers_.begin() + (c - consumers_.data()));
}

bool work_consumers::ended(std::uint64_t tag) {
    const auto found = held_.find(tag);
    if (found == held_.end()) return false;
    const held_delivery ended = found->second;
    held_.erase(found);
    if (ended.acknowledged) {
        --acknowledged_early_;
        return false;
    }
    release(ended.consumer);
    return true;
}

std::optional<std::uint64_t> work_consumers::take_older_than(clock::time_point since) {
    for (auto& [tag, delivery] : held_) {
        if (delivery.since >= since) return std::nullopt;
        if (delivery.acknowledged) continue;
        delivery.acknowledged = true;
        ++acknowledged_early_;
        release(delivery.consumer);
        return tag;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> work_consumers::take_consumer() {
    const auto found = std::ranges::find(consumers_, false, &consumer::cancelled);
    if (found == consumers_.end()) return std::nullopt;
    found->cancelled = true;
    return found->number;
}

std::vector<std::uint64_t> work_consumers::forget() {
    std::vector<std::uint64_t> tags;
    for (const auto& [tag, delivery] : held_)
        if (!delivery.acknowledged) tags.push_back(tag);
    held_.clear();
    consumers_.clear();
    acknowledged_early_ = 0;
    return tags;
}

}  // namespace cadre::detail::amqp
