/// @file
/// Conformance: integers that do not fit, parameters that are views, and file descriptors are the same on every kind.
/// Include `conformance_kinds.hpp`.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cadre/bind_portable.hpp>
#include <cadre/channel.hpp>
#include <cadre/job.hpp>
#include <cadre/make.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/reduce.hpp>
#include <cadre/scope.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/testing/conformance_kinds_calls.hpp>
#include <cadre/this_task.hpp>
#include <cadre/unique_fd.hpp>

namespace cadre::conformance {

namespace work {

inline std::size_t size_of_text(std::string_view text) { return text.size(); }
inline std::int64_t sum_of(std::span<const std::int64_t> numbers) {
    return std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0});
}
/// Reads its views again after it was suspended.
inline task<std::string> joined_later(std::string_view left, const std::string_view& right,
                                      std::span<const char> tail) {
    co_await sleep_for(std::chrono::milliseconds(1));
    co_return std::string(left) + std::string(right) + std::string(tail.begin(), tail.end());
}
struct suffix_counter {
    std::size_t operator()(std::string_view suffix, const std::vector<std::string>& words) const {
        std::size_t n = 0;
        for (const std::string& w : words)
            n += w.ends_with(suffix) ? 1 : 0;
        return n;
    }
};

inline std::int64_t large_number(int) { return 5'000'000'000; }
inline std::int64_t add_numbers(std::int64_t a, std::int64_t b) { return a + b; }

struct connection {
    std::string peer;
    unique_fd socket;
};
inline int write_to(unique_fd fd, char byte) { return static_cast<int>(::write(fd.get(), &byte, 1)); }
inline int write_to_borrowed(const unique_fd& fd, char byte) { return static_cast<int>(::write(fd.get(), &byte, 1)); }
inline task<int> write_to_later(unique_fd fd, char byte) {
    co_await sleep_for(std::chrono::milliseconds(1));
    co_return static_cast<int>(::write(fd.get(), &byte, 1));
}
inline std::tuple<connection, std::vector<unique_fd>> pass_back(connection c, std::vector<unique_fd> more) {
    return {std::move(c), std::move(more)};
}
inline unique_fd same_descriptor(unique_fd fd) { return fd; }
inline task<int> write_nested(unique_fd fd, char byte) {
    const executor here = co_await this_task::executor();
    co_return co_await on(here, write_to, std::move(fd), byte);
}

}  // namespace work

namespace bodies {

template <class Call>
void expect_does_not_fit(Call call) {
    EXPECT_THROW(static_cast<void>(call()), std::range_error);
}

inline task<> integers_that_do_not_fit_are_refused(executor ex) {
    const channel<std::int8_t> ch(ex, 4);
    expect_does_not_fit([&] { return ch.send(300); });
    expect_does_not_fit([&] { return ch.emplace(-129); });
    expect_does_not_fit([&] { return ch.try_send(128u); });
    const std::vector<int> one_too_large{1, 300};
    EXPECT_THROW(co_await ch.send_all(one_too_large), std::range_error);
    co_await ch.send(-128);
    EXPECT_EQ(ch.size(), 2u);
    EXPECT_EQ(co_await ch.receive(), std::int8_t{1});
    EXPECT_EQ(co_await ch.receive(), std::int8_t{-128});

    const channel<std::pair<std::uint8_t, int>> pairs(ex, 1);
    EXPECT_TRUE(pairs.try_send(std::pair<std::uint8_t, int>(1, 2)));

    expect_does_not_fit([&] { return shared_value<std::uint8_t>(ex, 256); });
    const shared_value<std::uint16_t> v(ex, 1);
    expect_does_not_fit([&] {
        v.store(-1);
        return 0;
    });
    expect_does_not_fit([&] { return v.exchange(65536); });
    expect_does_not_fit([&] { return v.set(70000L); });
    std::uint16_t expected = 1;
    expect_does_not_fit([&] { return v.compare_exchange(expected, 1 << 16); });
    EXPECT_EQ(v.load(), 1u);
    v.store(65535);
    EXPECT_EQ(v.load(), 65535u);
    const std::vector<long> elements{1, 2, 40000};
    expect_does_not_fit([&] { return shared_array<std::int16_t>(ex, elements); });

    const std::vector<int> items{1, 2};
    EXPECT_THROW((void)co_await reduce(ex, work::large_number, std::plus<>{}, items, 0), std::range_error);
    EXPECT_EQ(co_await reduce(ex, work::large_number, work::add_numbers, items, std::int64_t{0}), 10'000'000'000);
}

inline task<> parameters_that_are_views_see_a_copy(executor ex) {
    std::string text(3000, 'x');
    std::vector<std::int64_t> numbers{1, 2, 3};
    auto size = on(ex, work::size_of_text, text);
    auto sum = spawn(ex, work::sum_of, numbers);
    auto sum_of_span = on(ex, work::sum_of, std::span<const std::int64_t>(numbers).first(2));
    text.clear();
    numbers.assign(3, 100);
    EXPECT_EQ(co_await std::move(size), 3000u);
    EXPECT_EQ(co_await sum, 6);
    EXPECT_EQ(co_await std::move(sum_of_span), 3);
    const std::array<std::int64_t, 2> two{20, 22};
    EXPECT_EQ(co_await on(ex, work::sum_of, two), 42);
    EXPECT_EQ(co_await on(ex, work::size_of_text, ""), 0u);
    EXPECT_EQ(co_await on(ex, work::size_of_text, "four"), 4u);
    EXPECT_EQ(co_await on(ex, work::size_of_text, std::string("moved")), 5u);

    std::string right = "right";
    auto joined = on(ex, work::joined_later, std::string("left "), right, std::string_view(" tail"));
    right = "wrong";
    EXPECT_EQ(co_await std::move(joined), "left right tail");
}

inline task<> views_may_be_items_and_bound_arguments(executor ex) {
    const std::vector<std::string> words{"one", "three", "ones"};
    const auto sizes = co_await map(ex, work::size_of_text, words);
    EXPECT_EQ(sizes, (std::vector<std::size_t>{3, 5, 4}));
    const std::vector<std::string_view> views(words.begin(), words.end());
    EXPECT_EQ(co_await map(ex, work::size_of_text, views), sizes);
    EXPECT_EQ(co_await reduce(ex, work::size_of_text, std::plus<>{}, views, std::size_t{0}), 12u);
    const auto listed = co_await map(ex, work::size_of_text, {"one", "three"});
    EXPECT_EQ(listed, (std::vector<std::size_t>{3, 5}));

    std::string suffix = "one";
    auto count = bind_portable(work::suffix_counter{}, suffix);
    suffix = "three";
    EXPECT_EQ(co_await on(ex, count, words), 1u);
    const std::vector<std::vector<std::string>> texts(20, words);
    const auto counts = co_await map(ex, count, texts);
    EXPECT_EQ(counts, std::vector<std::size_t>(20, 1));

    scope s;
    {
        std::string text = "gone before it runs";
        s.spawn(ex, work::size_of_text, text);
        s.spawn(ex, work::joined_later, text, text, text);
    }
    co_await s.join();
}

struct pipe_ends {
    unique_fd read;
    unique_fd write;
};
inline pipe_ends make_pipe() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    return {unique_fd{ends[0]}, unique_fd{ends[1]}};
}
/// Reads one byte; -1: the other end is closed; -2: nothing came within ten seconds.
inline int read_byte(const unique_fd& fd) {
    pollfd p{fd.get(), POLLIN, 0};
    if (::poll(&p, 1, 10'000) != 1) return -2;
    char byte = 0;
    return ::read(fd.get(), &byte, 1) == 1 ? byte : -1;
}

inline task<> descriptors_travel_with_calls(executor ex) {
    auto [read, write] = make_pipe();
    std::vector<unique_fd> more;
    more.push_back(std::move(read));
    more.emplace_back();
    auto [c, back] = co_await on(ex, work::pass_back, make<work::connection>("me", std::move(write)), std::move(more));
    EXPECT_EQ(c.peer, "me");
    EXPECT_EQ(back.size(), 2u);
    EXPECT_FALSE(back[1]);
    EXPECT_EQ(co_await on(ex, work::write_to, std::move(c.socket), 'a'), 1);
    EXPECT_EQ(read_byte(back[0]), 'a');
    EXPECT_EQ(read_byte(back[0]), -1) << "the descriptor of an argument is still open";
}

// Also while the handle of the job lives.
inline task<> descriptors_are_closed_when_their_call_has_ended(executor ex) {
    for (int i = 0; i < 3; ++i) {
        auto [read, write] = make_pipe();
        auto start = [&](unique_fd fd) {
            if (i == 0) return spawn(ex, work::write_to, std::move(fd), 'b');
            if (i == 1) return spawn(ex, work::write_to_borrowed, std::move(fd), 'b');
            return spawn(ex, work::write_to_later, std::move(fd), 'b');
        };
        const job<int> j = start(std::move(write));
        while (!j.ready())
            co_await sleep_for(std::chrono::milliseconds(1));
        EXPECT_EQ(read_byte(read), 'b');
        EXPECT_EQ(read_byte(read), -1) << "the descriptor of job " << i << " is still open";
        EXPECT_EQ(co_await j, 1);
    }
}

inline task<> descriptors_travel_with_items_and_nested_calls(executor ex) {
    std::vector<unique_fd> ends;
    std::vector<unique_fd> items;
    for (int i = 0; i < 10; ++i) {
        auto [read, write] = make_pipe();
        ends.push_back(std::move(read));
        items.push_back(std::move(write));
    }
    auto back = co_await map(ex, work::same_descriptor, std::move(items));
    EXPECT_EQ(back.size(), 10u);
    for (std::size_t i = 0; i < back.size(); ++i) {
        EXPECT_EQ(co_await on(ex, work::write_nested, std::move(back[i]), 'c'), 1);
        EXPECT_EQ(read_byte(ends[i]), 'c');
        EXPECT_EQ(read_byte(ends[i]), -1);
    }
}

}  // namespace bodies

TYPED_TEST_P(kinds_conformance, integers_that_do_not_fit_are_refused) {
    this->run(bodies::integers_that_do_not_fit_are_refused);
}
TYPED_TEST_P(kinds_conformance, parameters_that_are_views_see_a_copy) {
    this->run(bodies::parameters_that_are_views_see_a_copy);
}
TYPED_TEST_P(kinds_conformance, views_may_be_items_and_bound_arguments) {
    this->run(bodies::views_may_be_items_and_bound_arguments);
}
TYPED_TEST_P(kinds_conformance, descriptors_travel_with_calls) { this->run(bodies::descriptors_travel_with_calls); }
TYPED_TEST_P(kinds_conformance, descriptors_are_closed_when_their_call_has_ended) {
    this->run(bodies::descriptors_are_closed_when_their_call_has_ended);
}
TYPED_TEST_P(kinds_conformance, descriptors_travel_with_items_and_nested_calls) {
    this->run(bodies::descriptors_travel_with_items_and_nested_calls);
}

}  // namespace cadre::conformance
