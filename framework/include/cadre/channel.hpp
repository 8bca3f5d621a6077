/// @file
/// `channel<T>`: a bounded queue between tasks, threads and worker processes.
///
///     cadre::channel<std::string> lines{ex, 64};
///     co_await lines.send("one");
///     lines.close();
///     while (auto line = co_await lines.receive()) std::cout << *line << '\n';
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/codec/fitting_members.hpp>
#include <cadre/detail/coroutine/awaitable.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/state/channel_operations.hpp>
#include <cadre/detail/state/channel_run.hpp>
#include <cadre/executor.hpp>
#include <cadre/task.hpp>

namespace cadre {

/// A bounded queue with many producers and many consumers; first in first out per producer.
///
/// The handle is copyable and portable: all copies, also those in worker processes, refer to the same channel. A
/// channel made for a process executor works in every process of the program. A channel made for a local executor works
/// on every local executor; sending its handle to another process gives `not_portable`. Values sent before `close` are
/// received.
///
/// All members are thread-safe. Waiting coroutines hold no thread, are served in the order of arrival within a process,
/// and resume on their home. **Stop**: an operation that can complete immediately completes, even if stop has
/// been requested. A wait ends with `cancelled`; the operation has then neither sent nor received a value. After the
/// executor has shut down all operations, waiting ones too, throw `executor_stopped`.
///
/// An awaitable refers to its handle, which has to outlive the operation.
template <class T>
class channel {
    /// Whether `send_all` moves from the elements of `R`: that is an rvalue container.
    template <class R>
    static constexpr bool owned = !std::is_lvalue_reference_v<R> && !std::ranges::view<std::remove_cvref_t<R>>;
    template <class R>
    using element_of =
        std::conditional_t<owned<R>, std::ranges::range_rvalue_reference_t<R>, std::ranges::range_reference_t<R>>;

public:
    using value_type = T;
    static constexpr bool cadre_portable_handle = true;
    /// The largest capacity, which is the same for every kind of executor.
    static constexpr std::size_t max_capacity = detail::max_channel_capacity;

    /// A move copies: the handle that was moved from stays usable.
    channel(const channel&) = default;
    channel& operator=(const channel&) = default;

    /// A channel in the memory domain of `ex` for up to `capacity` values.
    /// @throws std::invalid_argument unless `capacity` is positive and at most `max_capacity`
    /// @throws not_portable if `ex` has no memory domain, executor_stopped after its shutdown, std::bad_alloc
    template <std::integral N>
    channel(const executor& ex, N capacity) : object_(make(ex, checked_capacity(capacity))) {
        constexpr bool plain = std::is_same_v<T, std::decay_t<T>>;
        static_assert(plain, "cadre::channel<T>: T must be a plain value type");
        using checked = detail::portability_of<std::conditional_t<plain, T, bool>>;
#include <cadre/detail/codec/refusals.def>
    }

    /// A channel of a local executor, of any movable type: its values never leave the process.
    template <std::derived_from<local_executor> E, std::integral N>
    channel(const E& ex, N capacity) : object_(make(ex.handle(), checked_capacity(capacity))) {
        static_assert(std::is_same_v<T, std::decay_t<T>>, "cadre::channel<T>: T must be a plain value type");
        static_assert(std::is_move_constructible_v<T>, "cadre::channel<T>: T must be movable");
    }

    /// Sends `value`, waiting while the channel is full. An rvalue is moved from only if the send succeeds; it has to
    /// outlive the operation, as it does in `co_await ch.send(…)`.
    /// @throws channel_closed, cancelled, executor_stopped; std::bad_alloc; not_portable if the channel is shared by
    ///         processes and `value` contains something that is not portable, or a file descriptor;
    ///         std::range_error, from the call itself, if an integer does not fit `T`
    template <class U = T>
        requires std::convertible_to<U&&, T>
    [[nodiscard]] auto send(U&& value) const {
        if constexpr (std::is_same_v<U, T>)
            return detail::channel_send<T, T*>(object_, std::addressof(value));
        else
            return detail::channel_send<T, T>(object_, checked_element(std::forward<U>(value)));
    }
    CADRE_REFUSE_OTHER_MEMBERS(send, "cadre::channel<T>::send takes one value, which converts to T");

    /// Sends a `T` made from `args`. Use it for aggregates under g++ 12, which destroys a braced temporary in a
    /// co_await expression twice. @throws as `send`
    template <class... Args>
        requires std::constructible_from<T, Args...>
    [[nodiscard]] auto emplace(Args&&... args) const {
        if constexpr (detail::plain_integer<T>) {
            return detail::channel_send<T, T>(object_, std::in_place, checked_element(std::forward<Args>(args))...);
        } else {
            detail::require_fitting_members<T>(args...);
            return detail::channel_send<T, T>(object_, std::in_place, std::forward<Args>(args)...);
        }
    }
    [[nodiscard]] auto emplace() const
        requires std::default_initializable<T>
    {
        return detail::channel_send<T, T>(object_, std::in_place);
    }
    CADRE_REFUSE_OTHER_MEMBERS(emplace, "cadre::channel<T>::emplace takes arguments of which T(args...) makes a T");

    /// Completes with the next value, or empty once the channel is closed and drained.
    /// @throws cancelled (no value was received), executor_stopped
    [[nodiscard]] auto receive() const noexcept { return detail::channel_receive<T>(object_); }

    /// Sends without waiting; moves from an rvalue only if the result is true.
    /// @return false if the channel is full or closed
    /// @throws executor_stopped, not_portable as `send`
    template <class U = T>
        requires std::convertible_to<U&&, T>
    [[nodiscard]] bool try_send(U&& value) const {
        if constexpr (std::is_same_v<U, T>) {
            return try_send_value(value);
        } else {
            T copy(checked_element(std::forward<U>(value)));
            return try_send_value(copy);
        }
    }
    CADRE_REFUSE_OTHER_MEMBERS(try_send, "cadre::channel<T>::try_send takes one value, which converts to T");

    /// Receives without waiting; empty if there is no value, whether closed or not. @throws executor_stopped
    [[nodiscard]] std::optional<T> try_receive() const {
        detail::channel_receive<T> operation(object_);
        if (!operation.try_now()) return std::nullopt;
        return operation.await_resume();
    }

    /// Closes the channel: senders, waiting ones too, get `channel_closed`; receivers get the remaining values, then an
    /// empty optional. Idempotent.
    void close() const noexcept {
        if (object_.local != nullptr)
            object_.local->close();
        else
            object_.shared->close();
    }
    /// Awaits `a`, then closes the channel, even if `a` ended with an error or was stopped, and completes with the
    /// result of `a`. A task that is destroyed unstarted leaves the channel open. Stop: passed on to `a`. Resumes: at
    /// home.
    ///
    ///     co_await ch.close_after(when_all(produce(ch, 1), produce(ch, 2)));
    template <awaitable A>
    [[nodiscard]] auto close_after(A a) const -> task<await_result_t<A>> {
        return close_at_the_end<A>(*this, std::move(a));
    }
    CADRE_REFUSE_OTHER_MEMBERS(close_after, "cadre::channel<T>::close_after takes something that can be awaited, as a "
                                            "task or when_all of several");
    [[nodiscard]] bool closed() const noexcept {
        return object_.local != nullptr ? object_.local->closed() : object_.shared->closed();
    }
    /// The number of values in the channel: a snapshot.
    [[nodiscard]] std::size_t size() const noexcept {
        return object_.local != nullptr ? object_.local->size() : object_.shared->size();
    }
    [[nodiscard]] std::size_t capacity() const noexcept {
        return object_.local != nullptr ? object_.local->capacity() : object_.shared->capacity();
    }

    /// Sends every element of `range` in order; elements of an rvalue container are moved. After an error the elements
    /// before the failed one have been sent.
    /// @throws as `send`, and the exceptions of iterating
    template <std::ranges::viewable_range R>
        requires std::ranges::input_range<R> && std::convertible_to<element_of<R>, T>
    [[nodiscard]] task<void> send_all(R&& range) const {
        return send_each<owned<R>>(*this, std::views::all(std::forward<R>(range)));
    }
    CADRE_REFUSE_OTHER_MEMBERS(send_all, "cadre::channel<T>::send_all takes a range whose elements convert to T");

    /// Waits for a value, then receives more without waiting, up to `max` in all. Empty once closed and drained.
    /// @throws std::invalid_argument unless `max` is positive; cancelled (no value was received), executor_stopped
    template <std::integral N>
    [[nodiscard]] task<std::vector<T>> receive_many(N max) const {
        return take_many(*this, checked(max));
    }
    CADRE_REFUSE_OTHER_MEMBERS(receive_many, "cadre::channel<T>::receive_many takes the greatest number of values, an "
                                             "integer");

    void encode_handle(detail::encoder& out) const {
        if (object_.shared == nullptr) detail::throw_local_handle("channel");
        object_.shared->encode(out);
    }
    static channel decode_handle(detail::decoder& in) {
        return channel(detail::channel_object<T>{.local = nullptr, .shared = detail::domain_of(in).take_channel(in)});
    }

    /// Whether both handles refer to the same channel.
    friend bool operator==(const channel& a, const channel& b) noexcept {
        return a.object_.local == b.object_.local && a.object_.shared == b.object_.shared;
    }

private:
    explicit channel(detail::channel_object<T> object) noexcept : object_(std::move(object)) {}

    template <class U>
    static decltype(auto) checked_element(U&& value) {
        if constexpr (detail::may_not_fit<T, std::remove_cvref_t<U>>)
            return static_cast<T>(
                detail::fitting_value<T, U>(std::forward<U>(value), "the element type of the channel"));
        else
            return std::forward<U>(value);
    }

    template <class N>
    static std::size_t checked(N count) {
        if (std::cmp_less_equal(count, 0)) throw std::invalid_argument("cadre::channel: a count must be positive");
        if (std::cmp_greater(count, std::numeric_limits<std::size_t>::max()))
            throw std::invalid_argument("cadre::channel: a count is too large");
        return static_cast<std::size_t>(count);
    }

    template <class N>
    static std::size_t checked_capacity(N capacity) {
        const std::size_t count = checked(capacity);
        if (count > max_capacity)
            throw std::invalid_argument("cadre::channel: a capacity of " + std::to_string(count) +
                                        " is too large (at most " + std::to_string(max_capacity) + ")");
        return count;
    }

    template <class A>
    static auto close_at_the_end(channel self, A a) -> task<await_result_t<A>> {
        struct closing {
            const channel& ch;
            explicit closing(const channel& c) noexcept : ch(c) {}
            closing(const closing&) = delete;
            ~closing() { ch.close(); }
        } const at_the_end(self);
        co_return co_await std::move(a);
    }

    static detail::channel_object<T> make(const executor& ex, std::size_t capacity) {
        if constexpr (!std::is_same_v<T, std::decay_t<T>>) {
            return {};  // refused by the constructor
        } else {
            detail::memory_domain& domain = detail::domain_of(ex);
            if (auto objects = domain.local_objects())
                return {.local = std::make_shared<detail::local_channel<T>>(std::move(objects), capacity)};
            return {.shared = domain.make_channel(capacity)};
        }
    }

    [[nodiscard]] bool try_send_value(T& value) const {
        return detail::channel_send<T, T*>(object_, std::addressof(value)).try_now();
    }

    template <bool Owned, class V>
    static task<void> send_each(channel self, V view, detail::frame_for<T> /*locals*/ = {}) {
        if constexpr (detail::run_source<V, T>) {
            auto at = std::ranges::begin(view);
            const auto end = std::ranges::end(view);
            while (at != end) {
                if (self.object_.shared != nullptr) {
                    detail::send_run<T>(*self.object_.shared, at, end);
                    if (at == end) break;
                }
                co_await self.send(*at);  // waits, yields now and then, or reports why nothing can be sent
                ++at;
            }
            co_return;
        }
        for (auto&& element : view)
            if constexpr (Owned && std::is_lvalue_reference_v<decltype(element)>)
                co_await self.send(std::move(element));
            else
                co_await self.send(std::forward<decltype(element)>(element));
    }

    /// Values that have come since the first reservation; without memory for them they stay in the channel.
    static void reserve_for_more(std::vector<T>& values, std::size_t count) noexcept {
        if constexpr (std::is_nothrow_move_constructible_v<T>) {
            try {
                values.reserve(count);
            } catch (const std::bad_alloc&) {
            }
        }
    }

    static task<std::vector<T>> take_many(channel self, std::size_t max, detail::frame_for<T> /*locals*/ = {}) {
        std::vector<T> values;
        // Reserve before the first value is received: a failed allocation must not lose values.
        values.reserve(std::min(max, std::max<std::size_t>(self.size(), 1)));
        if (auto first = co_await self.receive()) {
            values.push_back(std::move(*first));
            reserve_for_more(values, std::min(max, self.size() + 1));
            if (self.object_.local != nullptr) {
                self.object_.local->receive_more(values, max);
            } else {
                if constexpr (detail::sent_as_bytes<T>)
                    detail::receive_run(*self.object_.shared, values, std::min(max, values.capacity()));
                while (values.size() < std::min(max, values.capacity())) {
                    auto more = self.try_receive();
                    if (!more) break;
                    values.push_back(std::move(*more));
                }
            }
        }
        co_return values;
    }

    detail::channel_object<T> object_;
};

/// Refuses `channel<void>` by a sentence.
template <class T>
    requires std::is_void_v<T>
class channel<T> {
public:
    template <class E, std::integral N>
    channel(const E&, N) {
        static_assert(!std::is_void_v<T>,
                      "cadre::channel<T>: void is not a value; send a std::monostate, or use async_event or "
                      "async_semaphore");
    }
};

}  // namespace cadre
