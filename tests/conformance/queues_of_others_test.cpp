// Cases from CPython's tests of multiprocessing, of queues and the containers of a Manager, on every kind: one side in
// the program, the other in calls. Cases of state_conformance and segment_conformance are not repeated.
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/make.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/shared_segment.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "conformance/of_others.hpp"

namespace {

using namespace conformance_tests;
using namespace std::chrono_literals;
using namespace cadre;

template <class Kind>
class queues_of_others : public of_others<Kind> {};
TYPED_TEST_SUITE(queues_of_others, kinds_of_others);

// --- Queue -----------------------------------------------------------------------------------------------------------

enum class ending { done, timed_out, closed };

task<ending> send_within(channel<int> ch, int value, std::chrono::milliseconds limit) {
    try {
        co_await timeout(limit, ch.send(value));
    } catch (const timed_out&) {
        co_return ending::timed_out;
    } catch (const channel_closed&) {
        co_return ending::closed;
    }
    co_return ending::done;
}
task<std::pair<ending, int>> receive_within(channel<int> ch, std::chrono::milliseconds limit) {
    try {
        const auto value = co_await timeout(limit, ch.receive());
        co_return value ? std::pair(ending::done, *value) : std::pair(ending::closed, 0);
    } catch (const timed_out&) {
        co_return std::pair(ending::timed_out, 0);
    }
}
bool try_send(channel<int> ch, int value) { return ch.try_send(value); }
std::optional<int> try_receive(channel<int> ch) { return ch.try_receive(); }
std::size_t size_of(channel<int> ch) { return ch.size(); }

// Filled by a call, full here and there; emptied by a call, empty here and there.
TYPED_TEST(queues_of_others, a_full_queue_takes_nothing_and_an_empty_one_gives_nothing) {
    const executor& ex = this->under_test;
    const channel<int> q{ex, 6};
    EXPECT_EQ(sync_wait(on(ex, size_of, q)), 0U);
    EXPECT_FALSE(sync_wait(on(ex, try_receive, q)).has_value());
    EXPECT_EQ(sync_wait(on(ex, receive_within, q, soon)).first, ending::timed_out);
    for (int i = 1; i <= 6; ++i)
        if (i % 2 == 0) {
            EXPECT_EQ(sync_wait(on(ex, send_within, q, i, 1h)), ending::done);
        } else {
            EXPECT_TRUE(sync_wait(on(ex, try_send, q, i)));
        }
    EXPECT_EQ(q.size(), 6U);
    EXPECT_FALSE(q.try_send(7));
    EXPECT_FALSE(sync_wait(on(ex, try_send, q, 7)));
    EXPECT_EQ(sync_wait(on(ex, send_within, q, 7, soon)), ending::timed_out);
    EXPECT_EQ(sync_wait(send_within(q, 7, soon)), ending::timed_out);
    for (int i = 1; i <= 6; ++i)
        if (i % 2 == 0) {
            EXPECT_EQ(sync_wait(on(ex, receive_within, q, 1h)), std::pair(ending::done, i));
        } else {
            EXPECT_EQ(sync_wait(on(ex, try_receive, q)), i);
        }
    EXPECT_EQ(q.size(), 0U);
    EXPECT_FALSE(q.try_receive().has_value());
    EXPECT_EQ(sync_wait(receive_within(q, soon)).first, ending::timed_out);
}

TYPED_TEST(queues_of_others, the_size_is_the_same_in_every_process) {
    const executor& ex = this->under_test;
    const channel<int> q{ex, 4};
    for (const std::size_t expected : {1U, 2U}) {
        EXPECT_TRUE(q.try_send(1));
        EXPECT_EQ(q.size(), expected);
        EXPECT_EQ(sync_wait(on(ex, size_of, q)), expected);
    }
    (void)q.try_receive();
    EXPECT_EQ(sync_wait(on(ex, size_of, q)), 1U);
    (void)sync_wait(on(ex, try_receive, q));
    EXPECT_EQ(q.size(), 0U);
}

task<std::vector<int>> receive_all(channel<int> ch) {
    std::vector<int> all;
    while (const auto value = co_await ch.receive())
        all.push_back(*value);
    co_return all;
}
task<void> send_ten(channel<int> ch, int first) { co_await ch.send_all(std::views::iota(first, first + 10)); }

// Messages that were in the queue before its receiver's process existed arrive first.
TYPED_TEST(queues_of_others, a_later_process_finds_the_earlier_items_and_adds_its_own) {
    const executor& ex = this->under_test;
    const channel<int> q{ex, 32};
    sync_wait(send_ten(q, 0));
    sync_wait(on(ex, send_ten, q, 10));
    q.close();
    const auto all = sync_wait(on(ex, receive_all, q));
    EXPECT_TRUE(std::ranges::equal(all, std::views::iota(0, 20)));
}

TYPED_TEST(queues_of_others, a_closed_queue_takes_nothing_and_gives_the_rest) {
    const executor& ex = this->under_test;
    const channel<int> q{ex, 4};
    EXPECT_TRUE(q.try_send(1));
    q.close();
    EXPECT_TRUE(q.closed());
    EXPECT_EQ(sync_wait(on(ex, send_within, q, 2, 1h)), ending::closed);
    EXPECT_EQ(sync_wait(send_within(q, 2, 1h)), ending::closed);
    EXPECT_FALSE(sync_wait(on(ex, try_send, q, 2)));
    EXPECT_EQ(sync_wait(on(ex, receive_within, q, 1h)), std::pair(ending::done, 1));
    EXPECT_EQ(sync_wait(on(ex, receive_within, q, 1h)).first, ending::closed);
}

// Four workers and their answers, as with JoinableQueue: all work is done when all answers have come.
task<void> square_each(channel<int> work, channel<int> done) {
    while (const auto value = co_await work.receive())
        co_await done.send(*value * *value);
}

TYPED_TEST(queues_of_others, all_work_has_been_done_when_the_workers_have_ended) {
    const executor& ex = this->under_test;
    const channel<int> work{ex, 4};
    const channel<int> done{ex, 64};
    sync_wait([](executor on_which, channel<int> in, channel<int> out) -> task<void> {
        scope workers;
        for (int i = 0; i != 4; ++i)
            workers.spawn(on_which, square_each, in, out);
        co_await in.send_all(std::views::iota(0, 40));
        in.close();
        co_await workers.join();
        out.close();
    }(ex, work, done));
    auto all = sync_wait(receive_all(done));
    std::ranges::sort(all);
    EXPECT_TRUE(std::ranges::equal(all, std::views::iota(0, 40) | std::views::transform([](int i) { return i * i; })));
}

/// A value that throws, on demand, when it is encoded.
struct picky {
    bool fails = false;
    int value = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        if (fails) throw std::runtime_error("cannot be encoded");
        archive(value);
    }
};

// Python's feeder thread drops such a value later; here `send` throws at once, where values are encoded at all.
TYPED_TEST(queues_of_others, a_value_that_cannot_be_encoded_takes_no_place) {
    const channel<picky> q{this->under_test, 1};
    sync_wait([](channel<picky> ch, bool encodes) -> task<void> {
        bool thrown = false;
        try {
            co_await ch.send(make<picky>(true, 1));
        } catch (const std::runtime_error&) {
            thrown = true;
        }
        EXPECT_EQ(thrown, encodes);
        EXPECT_EQ(ch.size(), thrown ? 0U : 1U);
        if (!thrown) (void)co_await ch.receive();
        co_await ch.send(make<picky>(false, 2));
        const auto got = co_await ch.receive();
        EXPECT_EQ(got.value().value, 2);
    }(q, this->under_test.kind() == executor_kind::process));
}

task<void> answer_each(channel<channel<int>> requests) {
    int n = 0;
    while (auto reply = co_await requests.receive()) {
        co_await reply->send(++n);
        reply->close();
    }
}

TYPED_TEST(queues_of_others, queues_travel_through_queues) {
    const channel<channel<int>> requests{this->under_test, 2};
    sync_wait([](executor ex, channel<channel<int>> all) -> task<void> {
        auto server = spawn(ex, answer_each, all);
        for (int i = 1; i <= 3; ++i) {
            const channel<int> reply{ex, 1};
            co_await all.send(reply);
            const auto answer = co_await reply.receive();
            EXPECT_EQ(answer, i);
            const auto end = co_await reply.receive();
            EXPECT_FALSE(end.has_value());
        }
        all.close();
        co_await server;
    }(this->under_test, requests));
}

// --- Manager ---------------------------------------------------------------------------------------------------------

using list = shared::vector<int>;
using list_of_lists = shared::vector<list>;
using dictionary = shared::map<int, shared::string>;

task<void> change_list(shared_segment memory) {
    auto g = co_await memory.lock();
    auto& a = g.find_or_construct<list>("a");
    a.insert(a.end(), {5, 4, 3});
    std::ranges::sort(a);
    a.erase(a.begin());
    a.front() = -1;
    std::ranges::reverse(a);
}

TYPED_TEST(queues_of_others, a_list_is_changed_in_place_by_every_process) {
    const shared_segment memory{this->under_test, 1 << 16};
    sync_wait([](executor ex, shared_segment m) -> task<void> {
        {
            auto g = co_await m.lock();
            auto& a = g.template find_or_construct<list>("a");
            for (int i = 0; i != 5; ++i)
                a.push_back(i * 10);
        }
        co_await on(ex, change_list, m);
        const auto g = co_await m.lock_shared();
        const list& a = *g.template find<list>("a");
        const std::vector<int> expected{40, 30, 20, 10, 5, 4, -1};
        EXPECT_TRUE(std::ranges::equal(a, expected));
    }(this->under_test, memory));
}

task<void> append_to_inner(shared_segment memory, std::size_t i, int value) {
    auto g = co_await memory.lock();
    g.find<list_of_lists>("lists")->at(i).push_back(value);
}

TYPED_TEST(queues_of_others, a_list_in_a_list_is_the_same_list_for_all) {
    const shared_segment memory{this->under_test, 1 << 16};
    sync_wait([](executor ex, shared_segment m) -> task<void> {
        {
            auto g = co_await m.lock();
            auto& lists = g.template find_or_construct<list_of_lists>("lists");
            lists.emplace_back();
            lists.emplace_back(std::size_t{2}, 7);
        }
        co_await on(ex, append_to_inner, m, std::size_t{1}, 8);
        co_await append_to_inner(m, 0, 1);
        co_await on(ex, append_to_inner, m, std::size_t{0}, 2);
        const auto g = co_await m.lock_shared();
        const auto& lists = *g.template find<list_of_lists>("lists");
        EXPECT_TRUE(std::ranges::equal(lists[0], std::vector<int>{1, 2}));
        EXPECT_TRUE(std::ranges::equal(lists[1], std::vector<int>{7, 7, 8}));
    }(this->under_test, memory));
}

task<std::vector<std::pair<int, std::string>>> fill_and_copy(shared_segment memory) {
    auto g = co_await memory.lock();
    auto& d = g.find_or_construct<dictionary>("d");
    for (int code = 65; code != 70; ++code)
        d.emplace(code, std::string(3, static_cast<char>(code)).c_str());
    d.erase(66);
    shared::value_of(d, 67) = "changed";
    std::vector<std::pair<int, std::string>> copy;
    for (const auto& [key, value] : d)
        copy.emplace_back(key, value.c_str());
    co_return copy;
}

TYPED_TEST(queues_of_others, a_dictionary_of_one_process_is_read_by_another) {
    const shared_segment memory{this->under_test, 1 << 16};
    sync_wait([](executor ex, shared_segment m) -> task<void> {
        const auto copy = co_await on(ex, fill_and_copy, m);
        const std::vector<std::pair<int, std::string>> expected{{65, "AAA"}, {67, "changed"}, {68, "DDD"}, {69, "EEE"}};
        EXPECT_EQ(copy, expected);
        auto g = co_await m.lock();
        auto* const d = g.template find<dictionary>("d");
        EXPECT_NE(d, nullptr);
        if (d == nullptr) co_return;
        EXPECT_EQ(d->size(), 4U);
        EXPECT_TRUE(d->contains(65));
        EXPECT_FALSE(d->contains(66));
        EXPECT_TRUE(g.template destroy<dictionary>("d"));
        EXPECT_EQ(g.template find<dictionary>("d"), nullptr);
    }(this->under_test, memory));
}

using pets = shared::map<shared::string, int>;
using people = shared::map<shared::string, pets>;

task<int> change_inner(shared_segment memory) {
    auto g = co_await memory.lock();
    auto& all = *g.find<people>("people");
    int sum = 0;
    for (auto& [person, owned] : all)
        for (auto& [pet, count] : owned)
            sum += ++count;
    shared::value_of(shared::value_of(all, "berta"), "newt") = 5;
    co_return sum;
}

TYPED_TEST(queues_of_others, a_dictionary_in_a_dictionary_is_the_same_for_all) {
    const shared_segment memory{this->under_test, 1 << 16};
    sync_wait([](executor ex, shared_segment m) -> task<void> {
        {
            auto g = co_await m.lock();
            auto& all = g.template find_or_construct<people>("people");
            shared::value_of(shared::value_of(all, "anna"), "cat") = 1;
            shared::value_of(shared::value_of(all, "anna"), "dog") = 2;
            shared::value_of(shared::value_of(all, "berta"), "owl") = 3;
        }
        EXPECT_EQ(co_await on(ex, change_inner, m), 9);
        auto g = co_await m.lock();
        auto& all = *g.template find<people>("people");
        EXPECT_EQ(shared::value_of(shared::value_of(all, "anna"), "dog"), 3);
        EXPECT_EQ(shared::value_of(shared::value_of(all, "berta"), "newt"), 5);
        EXPECT_EQ(all.size(), 2U);
    }(this->under_test, memory));
}

}  // namespace
