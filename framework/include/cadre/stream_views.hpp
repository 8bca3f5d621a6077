/// @file
/// Views of streams, in `cadre::views`: `transform`, `filter`, `take`, `drop`, `chunk`, `enumerate`, `buffer`.
///
///     auto squares = cadre::stream_of(std::views::iota(1)) | cadre::views::transform([](int i) { return i * i; })
///                                                          | cadre::views::take(10);
///     while (auto s = co_await squares.next()) std::cout << *s << '\n';
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/awaitable.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/task/background_task.hpp>
#include <cadre/detail/task/stream_queue.hpp>
#include <cadre/detail/task/stream_source.hpp>
#include <cadre/stream.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

/// What a view function returns: `source | closure` makes the view, `closure | closure` another closure.
template <class Make>
class stream_closure {
public:
    explicit constexpr stream_closure(Make make) : make_(std::move(make)) {}

    template <stream_source S>
    [[nodiscard]] friend auto operator|(S&& source, stream_closure closure) {
        return std::move(closure.make_)(as_stream(std::forward<S>(source)));
    }
    template <class Next>
    [[nodiscard]] friend auto operator|(stream_closure first, stream_closure<Next> second) {
        auto both = [first = std::move(first), second = std::move(second)]<class T>(stream<T> source) mutable {
            return std::move(source) | std::move(first) | std::move(second);
        };
        return stream_closure<decltype(both)>(std::move(both));
    }

private:
    Make make_;
};

// Functions get the element as an rvalue, or as an lvalue if they take only that.
template <class F, class T>
decltype(auto) apply_to_element(F& f, T& element) {
    if constexpr (std::is_invocable_v<F&, T>)
        return std::invoke(f, std::move(element));
    else
        return std::invoke(f, element);
}
template <class F, class T>
using element_result = decltype(apply_to_element(std::declval<F&>(), std::declval<T&>()));

template <class T, class F>
stream<typename awaited_value<element_result<F, T>>::type> transform_stream(stream<T> source, F f,
                                                                            frame_for<T> /*locals*/ = {}) {
    using value = typename awaited_value<element_result<F, T>>::type;
    while (auto element = co_await source.next()) {
        if constexpr (awaitable<element_result<F, T>>) {
            value result = co_await apply_to_element(f, *element);
            co_yield std::move(result);
        } else {
            value result = apply_to_element(f, *element);
            co_yield std::move(result);
        }
    }
}

template <class P, class T>
inline constexpr bool tests_element = [] {
    if constexpr (!std::is_invocable_v<P&, const T&>)
        return false;
    else if constexpr (awaitable<std::invoke_result_t<P&, const T&>>)
        return requires { static_cast<bool>(std::declval<await_result_t<std::invoke_result_t<P&, const T&>>>()); };
    else
        return requires { static_cast<bool>(std::declval<std::invoke_result_t<P&, const T&>>()); };
}();

template <class T, class P>
stream<T> filter_stream(stream<T> source, P predicate) {
    while (auto element = co_await source.next()) {
        bool keeps = false;
        if constexpr (awaitable<std::invoke_result_t<P&, const T&>>)
            keeps = static_cast<bool>(co_await std::invoke(predicate, std::as_const(*element)));
        else
            keeps = static_cast<bool>(std::invoke(predicate, std::as_const(*element)));
        if (keeps) co_yield std::move(*element);
    }
}

template <class T>
stream<T> take_stream(stream<T> source, std::size_t n) {
    for (; n != 0; --n) {
        auto element = co_await source.next();
        if (!element) co_return;
        co_yield std::move(*element);
    }
}

template <class T>
stream<T> drop_stream(stream<T> source, std::size_t n) {
    for (; n != 0; --n) {
        const auto element = co_await source.next();
        if (!element) co_return;
    }
    while (auto element = co_await source.next())
        co_yield std::move(*element);
}

template <class T>
stream<std::vector<T>> chunk_stream(stream<T> source, std::size_t n, frame_for<T> /*locals*/ = {}) {
    std::exception_ptr error;
    for (bool more = true; more;) {
        std::vector<T> chunk;
        try {
            while (more && chunk.size() < n) {
                auto element = co_await source.next();
                more = element.has_value();
                if (more) chunk.push_back(std::move(*element));
            }
        } catch (...) {
            error = std::current_exception();
            more = false;
        }
        if (!chunk.empty()) co_yield std::move(chunk);
    }
    if (error != nullptr) std::rethrow_exception(error);
}

template <class T>
stream<std::pair<std::size_t, T>> enumerate_stream(stream<T> source) {
    for (std::size_t i = 0;; ++i) {
        auto element = co_await source.next();
        if (!element) co_return;
        std::pair<std::size_t, T> numbered(i, std::move(*element));
        co_yield std::move(numbered);
    }
}

/// Reads `source` into `queue`.
template <class T>
task<void> read_ahead(std::shared_ptr<stream_queue<T>> queue, stream<T> source, frame_for<T> /*locals*/ = {}) {
    std::exception_ptr error;
    try {
        stream<T> reading = std::move(source);  // ends before the queue does
        for (;;) {
            co_await queue->room();
            auto element = co_await reading.next();
            if (!element) break;
            queue->push(std::move(*element));
        }
    } catch (...) {
        error = std::current_exception();
    }
    queue->end(std::move(error));
}

template <class T>
stream<T> buffer_stream(stream<T> source, std::size_t n) {
    const auto queue = std::make_shared<stream_queue<T>>(n);
    background_work reader(read_ahead(queue, std::move(source)));
    std::exception_ptr error;
    try {
        for (;;) {
            co_await queue->filled();
            auto element = queue->pop();
            if (!element) co_return;
            co_yield std::move(*element);
        }
    } catch (...) {
        error = std::current_exception();
    }
    reader.request_stop();
    co_await queue->ended();
    std::rethrow_exception(error);
}

struct enumerates {
    template <class T>
    [[nodiscard]] stream<std::pair<std::size_t, T>> operator()(stream<T> source) const {
        return enumerate_stream<T>(std::move(source));
    }
};

template <class Make>
[[nodiscard]] stream_closure<Make> make_closure(Make make) {
    return stream_closure<Make>(std::move(make));
}

[[nodiscard]] inline std::size_t positive_count(std::size_t n, const char* what) {
    if (n == 0) throw std::invalid_argument(what);
    return n;
}

}  // namespace detail

/// Views of streams. `source | view` is a stream; `view | view` is a view of both. `source` is a stream or a range, as
/// for `stream_of`. An rvalue stream is taken over. An lvalue stream is shared: elements consumed by the view are no
/// longer available from the stream, and elements that the view does not consume remain in it.
///
/// A view reads one element for each element that its consumer requests (`buffer` reads ahead). Its functions run at
/// the home of the consumer, one at a time; a coroutine function is awaited. `next()` throws the
/// errors of the source and of the functions, which end the stream. Stop, and dropping a view halfway: as for every
/// `stream`, through all views down to the source.
namespace views {

/// `f(element)` in place of each element.
template <class F>
[[nodiscard]] auto transform(F f) {
    return detail::make_closure([f = std::move(f)]<class T>(stream<T> source) mutable {
        constexpr bool fits = std::is_invocable_v<F&, T> || std::is_invocable_v<F&, T&>;
        static_assert(fits, "cadre::views::transform: the function cannot be called with an element of the stream");
        if constexpr (fits)
            return detail::transform_stream<T, F>(std::move(source), std::move(f));
        else
            return stream<T>();
    });
}
CADRE_REFUSE_OTHERS(transform, "cadre::views::transform(f) takes a function; of a function that is overloaded or a "
                               "template, pass a lambda that calls it");

/// The elements for which `predicate(const element&)` is true.
template <class P>
[[nodiscard]] auto filter(P predicate) {
    return detail::make_closure([predicate = std::move(predicate)]<class T>(stream<T> source) mutable {
        constexpr bool fits = detail::tests_element<P, T>;
        static_assert(fits,
                      "cadre::views::filter: the predicate is called with a const element of the stream and returns "
                      "a bool, or a task<bool>");
        if constexpr (fits) return detail::filter_stream<T, P>(std::move(source), std::move(predicate));
        return stream<T>();
    });
}
CADRE_REFUSE_OTHERS(filter, "cadre::views::filter(predicate) takes a function; of a function that is overloaded or a "
                            "template, pass a lambda that calls it");

/// The first `n` elements. No further element of the source is read.
[[nodiscard]] inline auto take(std::size_t n) {
    return detail::make_closure(
        [n]<class T>(stream<T> source) { return detail::take_stream<T>(std::move(source), n); });
}

/// All but the first `n` elements.
[[nodiscard]] inline auto drop(std::size_t n) {
    return detail::make_closure(
        [n]<class T>(stream<T> source) { return detail::drop_stream<T>(std::move(source), n); });
}

/// Vectors of `n` elements; the last one may be shorter, also before an error. @throws std::invalid_argument if `n` is
/// 0
[[nodiscard]] inline auto chunk(std::size_t n) {
    return detail::make_closure([size = detail::positive_count(n, "views::chunk of 0 elements")]<class T>(
                                    stream<T> source) { return detail::chunk_stream<T>(std::move(source), size); });
}

/// Pairs of a number, from 0, and the element.
inline constexpr detail::stream_closure enumerate{detail::enumerates{}};

/// The same elements, of which up to `n` are read ahead: from the first `next()` on, a task of its own at the home of
/// the consumer reads them while the consumer does other work. Dropping the view requests stop of that task; its home
/// then owns the task until it has ended. @throws std::invalid_argument if `n` is 0
[[nodiscard]] inline auto buffer(std::size_t n) {
    return detail::make_closure([size = detail::positive_count(n, "views::buffer of 0 elements")]<class T>(
                                    stream<T> source) { return detail::buffer_stream<T>(std::move(source), size); });
}

}  // namespace views

}  // namespace cadre
