/// @file
/// `stream<T>`: an asynchronous generator; it may await between its elements.
///
///     cadre::stream<int> ticks(int n) { for (int i = 0; i < n; ++i) { co_await cadre::sleep_for(1s); co_yield i; } }
///     auto s = ticks(3);
///     while (auto t = co_await s.next()) std::cout << *t << '\n';
#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <cadre/detail/base/late_object.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/task/stream_promise.hpp>

namespace cadre {

namespace detail {
struct stream_access;

/// Yielded by a stream's body: elements that are stored in the body. The consumer takes them without resuming the body.
template <class T>
struct stream_slice {
    stream_slice(T* begin, T* end) noexcept : first(begin), last(end) {}
    T* first;
    T* last;
};

/// The type in which a stream stores an element: `T`. For a `T` that `stream` refuses, a type that causes no further
/// compiler errors.
template <class T>
using stream_element =
    std::conditional_t<std::is_object_v<T>, T,
                       std::conditional_t<std::is_reference_v<T>, std::remove_cvref_t<T>, std::monostate>>;
}  // namespace detail

/// A sequence of elements, each computed when the consumer requests it. Lazy, move-only. The body runs at the home of
/// its consumer, with a stop state of its own that follows the task in which the stream was made: `timeout` around a
/// `next()` limits that wait and not the stream. Destroying it between two elements unwinds the body, which is
/// suspended then. One consumer at a time; not thread-safe.
template <class T>
class [[nodiscard]] stream {
    using element = detail::stream_element<T>;

public:
    using value_type = T;

    class promise_type : public detail::stream_promise_base {
    public:
        [[nodiscard]] stream get_return_object() noexcept {
            return stream(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        template <class U>
        [[nodiscard]] hand_over_awaiter yield_value(U&& value) {
            if constexpr (std::is_same_v<std::remove_cvref_t<U>, detail::stream_error>) {
                return stream_promise_base::yield_value(std::forward<U>(value));
            } else if constexpr (std::is_same_v<std::remove_cvref_t<U>, detail::stream_slice<element>>) {
                next_ = value.first;
                last_ = value.last;
                return hand_over_awaiter(*this);
            } else {
                constexpr bool converts = std::is_constructible_v<element, U>;
                static_assert(converts,
                              "co_yield: the value does not convert to the element type T of the cadre::stream<T>");
                if constexpr (converts) value_.emplace(std::forward<U>(value));
                return hand_over_awaiter(*this);
            }
        }

    private:
        friend stream;
        [[nodiscard]] bool has_slice() const noexcept { return next_ != last_; }
        [[nodiscard]] bool has_element() const noexcept { return has_slice() || value_; }
        std::optional<element> value_;  // the element that was yielded and not taken
        element* next_ = nullptr;  // the slice that was yielded and not taken
        element* last_ = nullptr;
    };

    /// Without elements.
    stream() noexcept = default;
    stream(stream&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    stream& operator=(stream&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    /// If the body still runs, after a `next()` that was stopped, its stop is requested and it ends on its own. Objects
    /// to which it refers must live until then.
    ~stream() {
        if (frame_ && frame_.promise().drop_handle() && !frame_.promise().leave()) frame_.destroy();
    }

    class [[nodiscard]] next_awaiter {
    public:
        using resumes_at_home = void;
        explicit next_awaiter(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
        [[nodiscard]] bool await_ready() noexcept {
            check_.awaited();
            if (!frame_) return true;
            const auto& p = frame_.promise();
            return p.idle() && (p.has_element() || p.has_error() || frame_.done());
        }
        template <class Promise>
        [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> consumer) noexcept {
            return frame_.promise().next(frame_, wait_.emplace(), consumer, detail::environment_of_promise(consumer));
        }
        // The common case of a slice is a few instructions in the loop of the consumer.
        [[gnu::always_inline]] std::optional<element> await_resume() {
            if (wait_ || !frame_ || !frame_.promise().has_slice()) return resume_at_its_end();
            return std::optional<element>(std::move(*frame_.promise().next_++));
        }

    private:
        [[gnu::noinline]] std::optional<element> resume_at_its_end() {
            if (!frame_) return std::nullopt;
            auto& p = frame_.promise();
            if (wait_) wait_->complete();
            if (p.has_slice()) return std::optional<element>(std::move(*p.next_++));
            p.rethrow_error();
            std::optional<element> taken = std::move(p.value_);
            p.value_.reset();
            return taken;
        }

        std::coroutine_handle<promise_type> frame_;
        detail::await_check<detail::awaitable_kind::next> check_;
        detail::late_object<detail::stream_wait>
            wait_;  // constructed only if there is no element: it is as large as several elements
    };

    /// The next element, or nothing at the end. Rethrows the exception of the body; afterwards there is no next
    /// element. Stop: completes immediately with `cancelled`, and no element is lost: the body goes on, and the
    /// following `next()` gives its element. If stop of the task that made the stream is requested, the body is asked
    /// to stop, and `next()` ends with it. Resumes: at home.
    [[nodiscard]] next_awaiter next() noexcept { return next_awaiter(frame_); }

private:
    friend detail::stream_access;
    explicit stream(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    std::coroutine_handle<promise_type> frame_{};

    // Last: clang ignores the members behind an assertion that fails.
    static_assert(std::is_object_v<T>,
                  "cadre::stream<T>: T must be a value; yield a pointer or a std::reference_wrapper, not a reference");
};

namespace detail {

/// For streams that are composed of others.
struct stream_access {
    /// Another handle to the same stream: each element is read through one of the handles only. The body lives as long
    /// as one of them.
    template <class T>
    [[nodiscard]] static stream<T> share(stream<T>& s) noexcept {
        if (s.frame_) s.frame_.promise().add_handle();
        return stream<T>(s.frame_);
    }
};

template <class>
inline constexpr bool is_stream = false;
template <class T>
inline constexpr bool is_stream<stream<T>> = true;

}  // namespace detail

}  // namespace cadre

template <class T, class... Parameters>
struct std::coroutine_traits<cadre::stream<T>, Parameters...> {
    using promise_type =
        typename cadre::detail::promise_for<typename cadre::stream<T>::promise_type, Parameters...>::type;
};
