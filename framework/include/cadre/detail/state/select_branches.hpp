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

/// The branch of an operation, which refers to it; made when the task has to wait. Other types have no specialisation.
/// Static members are
///
///     result                            what the operation yields
///     prepare(operation)                the select awaits it
///     try_first(operation) -> bool      `select_branch::try_now`, before the task waits: not before others that wait
///     take(operation) -> result         once one of these has returned true
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
        if (object_.local != nullptr) {
            keep_ = object_.local;
            auto& w = watch_.template emplace<local_watch>();
            w.begin(by, *this, env);
            return object_.local->watch(w, queue_ == receivers_queue) && w.commit();
        }
        keep_ = object_.shared;
        auto& w = watch_.template emplace<shared_watch>();
        w.begin(by, *this, env);
        w.queue = queue_;
        w.try_now = &message_watch::check;
        return object_.shared->park(w) && w.commit();
    }
    [[nodiscard]] bool unwatch() noexcept final {
        if (auto* const w = std::get_if<local_watch>(&watch_))
            return object_.local->unwatch(*w, queue_ == receivers_queue);
        return object_.shared->remove(std::get<shared_watch>(watch_));
    }

protected:
    channel_branch(channel_queue queue, const channel_object<T>& object) noexcept : queue_(queue), object_(object) {}
    ~channel_branch() = default;

private:
    const channel_queue queue_;
    const channel_object<T>& object_;
    std::variant<std::monostate, local_watch, shared_watch> watch_;
    std::shared_ptr<const void> keep_;  // the channel, while it is watched
};

template <class T>
class select_branch_of<channel_receive<T>> final : public channel_branch<T> {
public:
    using operation = channel_receive<T>;
    using result = std::optional<T>;
    explicit select_branch_of(operation& receive) noexcept
        : channel_branch<T>(receivers_queue, receive.object()), operation_(receive) {}

    static void prepare(operation& receive) noexcept { receive.belongs_to_select(); }
    [[nodiscard]] static bool try_first(operation& receive) { return receive.try_now(); }
    [[nodiscard]] static result take(operation& receive) { return receive.await_resume(); }
    [[nodiscard]] bool try_now() override { return operation_.try_again(); }

private:
    operation& operation_;
};

template <class T, class Source>
class select_branch_of<channel_send<T, Source>> final : public channel_branch<T> {
public:
    using operation = channel_send<T, Source>;
    using result = std::monostate;
    explicit select_branch_of(operation& send) noexcept
        : channel_branch<T>(senders_queue, send.object()), operation_(send) {}

    static void prepare(operation& send) noexcept { send.belongs_to_select(); }
    [[nodiscard]] static bool try_first(operation& send) { return send.try_again(true); }
    [[nodiscard]] static result take(operation& send) {
        send.await_resume();
        return {};
    }
    [[nodiscard]] bool try_now() override { return operation_.try_again(false); }

private:
    operation& operation_;
};

/// A time limit among the operations of a select; counts from the await.
class after_operation {
public:
    explicit after_operation(std::chrono::nanoseconds delay) noexcept : delay_(delay) {}
    void begin(steady_time now) noexcept { when_ = deadline_after(now, delay_); }
    [[nodiscard]] steady_time when() const noexcept { return when_; }

private:
    std::chrono::nanoseconds delay_;
    steady_time when_{};
};

template <>
class select_branch_of<after_operation> final : public select_branch {
public:
    using result = std::monostate;
    explicit select_branch_of(after_operation& limit) noexcept { timer_.when = limit.when(); }

    static void prepare(after_operation&) noexcept {}
    [[nodiscard]] static bool try_first(after_operation& limit) noexcept;
    [[nodiscard]] static result take(after_operation&) noexcept { return {}; }
    [[nodiscard]] bool try_now() override;
    [[nodiscard]] bool watch(select_core& by, environment* env) noexcept override;
    [[nodiscard]] bool unwatch() noexcept override;

private:
    struct node : timer_node {
        select_watch<waiter>* watch = nullptr;
    };
    late_object<select_watch<waiter>> watch_;
    node timer_;
};

/// A watch acquires the lock; if another operation is performed, the lock is released.
template <class Then, lock_mode Mode>
class select_branch_of<lock_operation<Then, Mode>> final : public select_branch {
    using operation = lock_operation<Then, Mode>;

public:
    using result = decltype(std::declval<operation&>().await_resume());
    explicit select_branch_of(operation& lock) noexcept : operation_(lock) {}

    static void prepare(operation& lock) noexcept { lock.belongs_to_select(); }
    [[nodiscard]] static bool try_first(operation& lock) noexcept { return lock.try_now(true); }
    [[nodiscard]] static result take(operation& lock) { return lock.await_resume(); }
    [[nodiscard]] bool try_now() override {
        if (watch_ && watch_->outcome != op_status::would_block) {
            operation_.adopt(watch_->outcome, watch_->owner_died);
            watch_.reset();
            return true;
        }
        return operation_.try_now(false);
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

private:
    operation& operation_;
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
    explicit select_branch_of(operation& wait) noexcept : operation_(wait) {}

    static void prepare(operation& wait) noexcept { wait.belongs_to_select(); }
    [[nodiscard]] static bool try_first(operation& wait) { return wait.try_now() != op_status::would_block; }
    [[nodiscard]] static result take(operation& wait) {
        wait.await_resume();
        return {};
    }
    [[nodiscard]] bool try_now() override { return try_first(operation_); }
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

private:
    operation& operation_;
    late_object<select_watch<change_watch>> watch_;
};

template <class Operation>
concept selectable = requires { typename select_branch_of<Operation>::result; };

}  // namespace cadre::detail
