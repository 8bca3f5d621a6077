/// @file
/// The operations that `select` accepts: `receive`, `send`, `after`, `lock`, and waits for events, latches and values.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include <cadre/detail/base/late_object.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>
#include <cadre/detail/state/block_operation.hpp>
#include <cadre/detail/state/channel_operations.hpp>
#include <cadre/detail/state/lock_operation.hpp>
#include <cadre/detail/state/select_core.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// The branch of an operation: has `result` and `take() -> result`, which is called once `try_now` has returned true.
/// Other types have no specialisation.
template <class Operation>
class select_branch_of;

/// A watch of a channel between processes. It receives and sends nothing.
struct message_watch : shared_object::pending_operation {
    static op_status check(pending_operation& p) noexcept {
        auto& self = static_cast<message_watch&>(p);
        return static_cast<shared_channel*>(self.object)->may_proceed(self.queue) ? op_status::done
                                                                                  : op_status::would_block;
    }
};

/// Watches one end of a channel.
template <class T>
class channel_branch : public select_branch {
    using local_watch = select_watch<channel_wait<T>>;
    using shared_watch = select_watch<message_watch>;

public:
    [[nodiscard]] bool watch(select_core& by, environment* env) noexcept final {
        if (object().local != nullptr) {
            keep_ = object().local;
            auto& w = watch_.template emplace<local_watch>();
            w.begin(by, *this, env);
            return object().local->watch(w, queue_ == receivers_queue) && w.commit();
        }
        keep_ = object().shared;
        auto& w = watch_.template emplace<shared_watch>();
        w.begin(by, *this, env);
        w.queue = queue_;
        w.try_now = &message_watch::check;
        return object().shared->park(w) && w.commit();
    }
    [[nodiscard]] bool unwatch() noexcept final {
        if (auto* const w = std::get_if<local_watch>(&watch_))
            return object().local->unwatch(*w, queue_ == receivers_queue);
        return object().shared->remove(std::get<shared_watch>(watch_));
    }

protected:
    explicit channel_branch(channel_queue queue) noexcept : queue_(queue) {}
    ~channel_branch() = default;
    channel_branch(channel_branch&&) noexcept = default;

private:
    [[nodiscard]] virtual const channel_object<T>& object() const noexcept = 0;

    channel_queue queue_;
    std::variant<std::monostate, local_watch, shared_watch> watch_;
    std::shared_ptr<const void> keep_;  // the channel, while it is watched
};

template <class T>
class select_branch_of<channel_receive<T>> final : public channel_branch<T> {
public:
    using result = std::optional<T>;
    explicit select_branch_of(channel_receive<T>&& operation)
        : channel_branch<T>(receivers_queue), operation_(std::move(operation)) {
        operation_.belongs_to_select();
    }

    [[nodiscard]] bool try_now(bool first) override { return first ? operation_.try_now() : operation_.try_again(); }
    [[nodiscard]] result take() { return operation_.await_resume(); }

private:
    [[nodiscard]] const channel_object<T>& object() const noexcept override { return operation_.object(); }
    channel_receive<T> operation_;
};

template <class T, class Source>
class select_branch_of<channel_send<T, Source>> final : public channel_branch<T> {
public:
    using result = std::monostate;
    explicit select_branch_of(channel_send<T, Source>&& operation)
        : channel_branch<T>(senders_queue), operation_(std::move(operation)) {
        operation_.belongs_to_select();
    }

    [[nodiscard]] bool try_now(bool first) override { return operation_.try_again(first); }
    [[nodiscard]] result take() {
        operation_.await_resume();
        return {};
    }

private:
    [[nodiscard]] const channel_object<T>& object() const noexcept override { return operation_.object(); }
    channel_send<T, Source> operation_;
};

/// A time limit among the operations of a select; counts from the await.
class after_operation {
public:
    explicit after_operation(std::chrono::nanoseconds delay) noexcept : delay_(delay) {}
    [[nodiscard]] std::chrono::nanoseconds delay() const noexcept { return delay_; }

private:
    std::chrono::nanoseconds delay_;
};

template <>
class select_branch_of<after_operation> final : public select_branch {
public:
    using result = std::monostate;
    explicit select_branch_of(after_operation operation) noexcept : delay_(operation.delay()) {}

    [[nodiscard]] bool try_now(bool first) override;
    [[nodiscard]] bool watch(select_core& by, environment* env) noexcept override;
    [[nodiscard]] bool unwatch() noexcept override;
    [[nodiscard]] static result take() noexcept { return {}; }

private:
    struct node : timer_node {
        select_watch<waiter>* watch = nullptr;
    };
    std::chrono::nanoseconds delay_;
    late_object<select_watch<waiter>> watch_;
    node timer_;
};

/// A watch acquires the lock; if another operation is performed, the lock is released.
template <class Then, lock_mode Mode>
class select_branch_of<lock_operation<Then, Mode>> final : public select_branch {
    using operation = lock_operation<Then, Mode>;

public:
    using result = decltype(std::declval<operation&>().await_resume());
    explicit select_branch_of(operation&& lock) : operation_(std::move(lock)) { operation_.belongs_to_select(); }

    [[nodiscard]] bool try_now(bool first) override {
        if (watch_ && watch_->outcome != op_status::would_block) {
            operation_.adopt(watch_->outcome, watch_->owner_died);
            watch_.reset();
            return true;
        }
        return operation_.try_now(first);
    }
    [[nodiscard]] bool watch(select_core& by, environment* env) noexcept override {
        auto& w = watch_.emplace();
        w.begin(by, *this, env);
        w.try_now = &lock_wait::retry<Mode>;
        if constexpr (Mode == lock_mode::exclusive) w.withdraw = &lock_wait::withdraw_claim;
        return operation_.lock().park(w) && w.commit();
    }
    [[nodiscard]] bool unwatch() noexcept override { return operation_.lock().remove(*watch_); }
    void abandon() noexcept override {
        if (watch_ && watch_->outcome == op_status::done) unlock(operation_.lock(), Mode);
    }
    [[nodiscard]] result take() { return operation_.await_resume(); }

private:
    operation operation_;
    late_object<select_watch<lock_wait>> watch_;
};

/// A wait for a change of bytes that changes nothing itself.
template <class Condition>
    requires(Condition::only_waits)
class select_branch_of<block_operation<Condition>> final : public select_branch {
    using operation = block_operation<Condition>;
    struct change_watch : cell_wait {
        operation* waits = nullptr;
    };

public:
    using result = std::monostate;
    explicit select_branch_of(operation&& wait) : operation_(std::move(wait)) { operation_.belongs_to_select(); }

    [[nodiscard]] bool try_now(bool) override { return operation_.try_now() != op_status::would_block; }
    [[nodiscard]] bool watch(select_core& by, environment* env) noexcept override {
        auto& w = watch_.emplace();
        w.begin(by, *this, env);
        w.waits = &operation_;
        operation_.name(w);
        w.try_now = [](shared_object::pending_operation& p) noexcept {
            return static_cast<change_watch&>(p).waits->try_now();
        };
        return operation_.block().park(w) && w.commit();
    }
    [[nodiscard]] bool unwatch() noexcept override { return operation_.block().remove(*watch_); }
    [[nodiscard]] result take() {
        operation_.await_resume();
        return {};
    }

private:
    operation operation_;
    late_object<select_watch<change_watch>> watch_;
};

template <class Operation>
concept selectable = requires { typename select_branch_of<Operation>::result; };

}  // namespace cadre::detail
