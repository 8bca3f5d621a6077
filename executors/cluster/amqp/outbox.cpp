#include "outbox.hpp"

#include <utility>

namespace cadre::detail::amqp {

bool outbox::push(outgoing entry) noexcept {
    bool ring = false;
    {
        const std::scoped_lock lock(mutex_);
        if (!open_) return false;
        entries_.push_back(std::move(entry));
        ring = std::exchange(sleeping_, false);
    }
    if (ring) bell_.ring();
    return true;
}

void outbox::take(std::vector<outgoing>& taken) noexcept {
    const std::scoped_lock lock(mutex_);
    taken.swap(entries_);
}

bool outbox::empty() const noexcept {
    const std::scoped_lock lock(mutex_);
    return entries_.empty();
}

void outbox::close() noexcept {
    std::vector<outgoing> dropped;
    const std::scoped_lock lock(mutex_);
    open_ = false;
    dropped.swap(entries_);
}

void outbox::open() noexcept {
    const std::scoped_lock lock(mutex_);
    open_ = true;
}

bool outbox::begin_sleep() noexcept {
    const std::scoped_lock lock(mutex_);
    sleeping_ = entries_.empty();
    return sleeping_;
}

void outbox::end_sleep() noexcept {
    const std::scoped_lock lock(mutex_);
    sleeping_ = false;
}

}  // namespace cadre::detail::amqp
