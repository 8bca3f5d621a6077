/// @file
/// The awaitables of `channel<T>`: sending and receiving, on the heap and between processes.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/state/channel_local.hpp>
#include <cadre/detail/state/channel_message.hpp>
#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/state_objects.hpp>
#include <cadre/errors.hpp>
#include <cadre/message_bytes.hpp>

namespace cadre::detail {

enum channel_queue : unsigned { receivers_queue = 0, senders_queue = 1 };

/// The object behind a channel's handle; exactly one pointer is set.
template <class T>
struct channel_object {
    std::shared_ptr<local_channel<T>> local{};
    std::shared_ptr<shared_channel> shared{};
};

/// A coroutine that waits to send or receive a message between processes.
struct message_wait : shared_object::pending_operation {
    byte_buffer message{};
    bool carries = false;
    held_objects held{};

    static op_status try_send(pending_operation& p) noexcept;
    static op_status try_receive(pending_operation& p) noexcept;
};

/// The same for bytes that are not copied.
struct memory_wait : shared_object::pending_operation {
    message_memory* memory =
        nullptr;  // of the value to send, which stays with the sender until it is sent, or to receive into

    static op_status try_send(pending_operation& p) noexcept {
        auto& self = static_cast<memory_wait&>(p);
        return static_cast<shared_channel*>(self.object)->try_send_memory(*self.memory);
    }
    static op_status try_receive(pending_operation& p) noexcept {
        auto& self = static_cast<memory_wait&>(p);
        return static_cast<shared_channel*>(self.object)->try_receive_memory(*self.memory);
    }
};

/// Whether messages of type `T` are passed on without a copy.
template <class T>
inline constexpr bool passed_in_place = std::is_same_v<T, message_bytes>;
template <class T>
using domain_wait = std::conditional_t<passed_in_place<T>, memory_wait, message_wait>;

/// The base of both directions. Only an operation that suspends sets `wait_`, and keeps the channel alive.
template <class T>
class channel_operation {
protected:
    explicit channel_operation(const channel_object<T>& object) noexcept : object_(&object) {}
    // An operation is moved only before it is awaited. Nothing else is set then.
    channel_operation(channel_operation&& other) noexcept : object_(other.object_) {}

    /// After an operation that did not wait: whether the task may continue. A task that never waits yields now and
    /// then.
    [[nodiscard]] static bool may_continue() noexcept {
        local_worker* const worker = this_thread_worker;
        return worker == nullptr || !worker->should_yield();
    }
    template <class Promise>
    [[nodiscard]] bool yield(std::coroutine_handle<Promise> handle) noexcept {
        environment* const env = environment_of(handle);
        local_worker* const worker = env != nullptr ? worker_of(env->home) : nullptr;
        if (worker == nullptr) return false;
        auto& wait = wait_.template emplace<channel_wait<T>>();
        wait.outcome = outcome_;
        wait.prepare(handle, env, nullptr);
        worker->defer(&wait);
        return true;
    }

    /// Whether an operation may not be tried now.
    [[nodiscard]] static bool must_wait(const shared_channel& channel, channel_queue queue, bool may_wait) noexcept {
        return may_wait ? channel.has_waiters(queue) : channel.has_waiting_tasks(queue);
    }

    template <class Promise>
    [[nodiscard]] bool suspend_local(std::coroutine_handle<Promise> handle, T* source,
                                     std::optional<T>* target) noexcept {
        keep_ = object_->local;
        auto& wait = wait_.template emplace<channel_wait<T>>();
        wait.channel = object_->local.get();
        wait.source = source;
        wait.target = target;
        wait.prepare(handle, environment_of(handle), &channel_wait<T>::cancel,
                     source != nullptr ? wait_kind::send : wait_kind::receive);
        return object_->local->park(wait) && wait.commit();
    }

    template <class Promise>
    [[nodiscard]] bool suspend_shared(std::coroutine_handle<Promise> handle, channel_queue queue) noexcept {
        keep_ = object_->shared;
        auto& wait = std::get<domain_wait<T>>(wait_);
        wait.object = object_->shared.get();
        wait.queue = queue;
        wait.try_now = queue == senders_queue ? &domain_wait<T>::try_send : &domain_wait<T>::try_receive;
        wait.prepare(handle, environment_of(handle), &shared_object::cancel,
                     queue == senders_queue ? wait_kind::send : wait_kind::receive);
        return object_->shared->park(wait) && wait.commit();
    }

    /// Ends a wait: sets the outcome. @return whether it was cancelled
    [[nodiscard]] bool end_wait() noexcept {
        if (auto* wait = std::get_if<channel_wait<T>>(&wait_)) {
            outcome_ = wait->outcome;
            return wait->detach();
        }
        if (auto* wait = std::get_if<domain_wait<T>>(&wait_)) {
            outcome_ = wait->outcome;
            return wait->detach();
        }
        return false;
    }

    void rethrow_error() {
        if (auto* wait = std::get_if<channel_wait<T>>(&wait_); wait != nullptr && wait->error) [[unlikely]]
            std::rethrow_exception(wait->error);
    }

    const channel_object<T>* object_;
    op_status outcome_ = op_status::would_block;
    bool encoded_ = false;
    std::variant<std::monostate, channel_wait<T>, domain_wait<T>> wait_;
    std::shared_ptr<const void> keep_;
};

/// Completes when the value is in the channel. The value is stored here (`Source` is T), or referred to (`Source` is
/// T*).
template <class T, class Source>
class [[nodiscard]] channel_send : channel_operation<T> {
    using base = channel_operation<T>;

public:
    using resumes_at_home = void;
    template <class U>
    channel_send(const channel_object<T>& object, U&& source) : base(object), source_(std::forward<U>(source)) {}
    template <class... Args>
    channel_send(const channel_object<T>& object, std::in_place_t, Args&&... args)
        : base(object), source_(std::forward<Args>(args)...) {}

    [[nodiscard]] bool await_ready() {
        check_.awaited();
        if (try_complete(true, true)) return this->may_continue();
        local_channel<T>* const channel = this->object_->local.get();
        return channel != nullptr && channel->spin_for_room() && try_complete() && this->may_continue();
    }
    /// Sends now or not at all. @return false if it would block or the channel is closed
    [[nodiscard]] bool try_now() {
        check_.awaited();
        if (!try_complete() || this->outcome_ == op_status::closed) return false;
        require_alive(this->outcome_);
        await_resume();
        return true;
    }

    /// @param behind_others  not before others that wait already @return whether the operation has ended, in any way
    [[nodiscard]] bool try_again(bool behind_others) {
        check_.awaited();
        this->wait_.template emplace<std::monostate>();
        return try_complete(behind_others);
    }
    [[nodiscard]] const channel_object<T>& object() const noexcept { return *this->object_; }
    /// A select awaits the operation.
    void belongs_to_select() noexcept { check_.awaited(); }

    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        if (this->outcome_ != op_status::would_block) return this->yield(handle);
        if (this->object_->local != nullptr) return this->suspend_local(handle, &value(), nullptr);
        return this->suspend_shared(handle, senders_queue);
    }

    void await_resume() {
        const bool was_cancelled = this->end_wait();
        if (this->outcome_ == op_status::done && !was_cancelled) [[likely]] {
            this->rethrow_error();
            if constexpr (!std::is_same_v<Source, T>) {
                // Encoding only read the value. It is sent now, so it is moved from as on a local channel.
                if (this->encoded_) [[maybe_unused]]
                    const T moved(std::move(value()));
            }
            return;
        }
        if (was_cancelled) throw cancelled{};
        require_alive(this->outcome_);
        throw channel_closed{};
    }

private:
    /// @param may_wait  the operation parks if it would block @return whether the operation has ended, in any way
    [[nodiscard]] bool try_complete(bool behind_others = true, bool may_wait = false) {
        if (this->object_->local != nullptr) {
            this->outcome_ = this->object_->local->try_send(value());
        } else if constexpr (passed_in_place<T>) {
            message_memory& memory = message_access::memory(value());
            shared_channel& channel = *this->object_->shared;
            if (!behind_others || !this->must_wait(channel, senders_queue, may_wait))
                this->outcome_ = channel.try_send_memory(memory);
            if (this->outcome_ == op_status::would_block) this->wait_.template emplace<memory_wait>().memory = &memory;
        } else {
            this->encoded_ = true;
            scratch_buffer scratch;
            const bool carries = encode_message<T>(scratch.bytes(), value());
            shared_channel& channel = *this->object_->shared;
            if (!behind_others || !this->must_wait(channel, senders_queue, may_wait))
                this->outcome_ = channel.try_send(scratch.bytes().span(), carries);
            if (this->outcome_ == op_status::would_block) {
                auto& wait = this->wait_.template emplace<message_wait>();
                wait.message = std::move(scratch.bytes());
                wait.carries = carries;
            }
        }
        return this->outcome_ != op_status::would_block;
    }

    [[nodiscard]] T& value() noexcept {
        if constexpr (std::is_same_v<Source, T>)
            return source_;
        else
            return *source_;
    }

    await_check<awaitable_kind::send> check_;
    Source source_;
};

/// Completes with the next value, or empty once the channel is closed and drained.
template <class T>
class [[nodiscard]] channel_receive : channel_operation<T> {
    using base = channel_operation<T>;

public:
    using resumes_at_home = void;
    explicit channel_receive(const channel_object<T>& object) noexcept : base(object) {}
    // Without the value: see channel_operation.
    channel_receive(channel_receive&& other) noexcept : base(std::move(other)), check_(std::move(other.check_)) {}

    [[nodiscard]] bool await_ready() {
        if (try_complete(true, true)) return this->may_continue();
        local_channel<T>* const channel = this->object_->local.get();
        return channel != nullptr && channel->spin_for_value() && try_now() && this->may_continue();
    }
    /// @return whether the operation has ended: with a value, or because there will be none
    [[nodiscard]] bool try_now() { return try_complete(true); }
    /// Also before others that wait already.
    [[nodiscard]] bool try_again() {
        this->wait_.template emplace<std::monostate>();
        return try_complete(false);
    }
    [[nodiscard]] const channel_object<T>& object() const noexcept { return *this->object_; }
    /// A select awaits the operation.
    void belongs_to_select() noexcept { check_.awaited(); }

    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        if (this->outcome_ != op_status::would_block) return this->yield(handle);
        if (this->object_->local != nullptr) return this->suspend_local(handle, nullptr, &value_);
        return this->suspend_shared(handle, receivers_queue);
    }

    [[nodiscard]] std::optional<T> await_resume() {
        if (this->end_wait()) throw cancelled{};
        if (this->outcome_ == op_status::done) {
            this->rethrow_error();
            if constexpr (!passed_in_place<T>)
                if (auto* wait = std::get_if<message_wait>(&this->wait_))
                    value_.emplace(decode_message<T>(wait->message));
            // Not the optional as a whole: g++ reads it with one wide load just after its parts were written
            // separately.
            return std::optional<T>(std::move(*value_));
        }
        require_alive(this->outcome_);
        return std::nullopt;
    }

private:
    [[nodiscard]] bool try_complete(bool behind_others, bool may_wait = false) {
        check_.awaited();
        if (this->object_->local != nullptr) {
            this->outcome_ = this->object_->local->try_receive(value_);
        } else if constexpr (passed_in_place<T>) {
            message_memory& memory = message_access::memory(value_.emplace());
            shared_channel& channel = *this->object_->shared;
            if (!behind_others || !this->must_wait(channel, receivers_queue, may_wait))
                this->outcome_ = channel.try_receive_memory(memory);
            if (this->outcome_ == op_status::would_block) this->wait_.template emplace<memory_wait>().memory = &memory;
        } else {
            scratch_buffer scratch;
            held_objects held;
            shared_channel& channel = *this->object_->shared;
            if (!behind_others || !this->must_wait(channel, receivers_queue, may_wait))
                this->outcome_ = channel.try_receive(scratch.bytes(), &held);
            if (this->outcome_ == op_status::done)
                value_.emplace(decode_message<T>(scratch.bytes()));
            else if (this->outcome_ == op_status::would_block)
                this->wait_.template emplace<message_wait>();
        }
        return this->outcome_ != op_status::would_block;
    }

    await_check<awaitable_kind::receive> check_;
    std::optional<T> value_;
};

}  // namespace cadre::detail
