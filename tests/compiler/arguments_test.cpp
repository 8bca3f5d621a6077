// Arguments in an awaiting expression: each value is destroyed once, on every compiler.
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/cadre.hpp>

#include "tracked.hpp"

namespace {

using namespace std::chrono_literals;
using namespace compiler_test;
using cadre::task;

std::size_t length(std::string s) { return s.size(); }
std::size_t length_of_parcel(const parcel& p) { return p.content.text().size() + p.label.size(); }
task<std::size_t> length_later(parcel p, std::string s) {
    co_await cadre::yield();
    co_return p.label.size() + s.size();
}
parcel make_parcel(int number) { return {.content = tracked{}, .label = long_text, .number = number}; }

class compiler_arguments : public ::testing::Test {
protected:
    void TearDown() override { EXPECT_EQ(tracked::live, 0); }
    cadre::serial_executor loop_;
};

TEST_F(compiler_arguments, strings_and_literals) {
    auto body = [](cadre::executor ex) -> task<> {
        const auto a = co_await cadre::on(ex, length, "a literal that is too long for the small buffer");
        EXPECT_EQ(a, 47u);
        const auto b = co_await cadre::on(ex, length, std::string("made in the expression, and also long enough"));
        EXPECT_EQ(b, 44u);
        const auto c = co_await cadre::on(ex, length, long_text + "!");
        EXPECT_EQ(c, long_text.size() + 1);
        const std::string_view view = long_text;
        const auto d = co_await cadre::on(ex, length, std::string(view));
        EXPECT_EQ(d, long_text.size());
        std::string moved = long_text;
        const auto e = co_await cadre::on(ex, length, std::move(moved));
        EXPECT_EQ(e, long_text.size());
        EXPECT_EQ(co_await cadre::on(ex, length, "abc"), 3u);
    };
    cadre::sync_wait(body(loop_));
}

TEST_F(compiler_arguments, aggregates_by_name_by_move_and_from_functions) {
    auto body = [](cadre::serial_executor ex) -> task<> {
        const parcel named{.content = tracked{}, .label = long_text, .number = 1};
        const auto a = co_await cadre::on(ex, length_of_parcel, named);
        EXPECT_EQ(a, 2 * long_text.size());
        parcel moved = named;
        const auto b = co_await cadre::on(ex, length_later, std::move(moved), "x");
        EXPECT_EQ(b, long_text.size() + 1);
        const auto c = co_await cadre::on(ex, length_of_parcel, make_parcel(2));
        EXPECT_EQ(c, 2 * long_text.size());
        const auto d = co_await cadre::on(ex, length_later, make_parcel(3), long_text);
        EXPECT_EQ(d, 2 * long_text.size());
    };
    cadre::sync_wait(body(loop_));
}

TEST_F(compiler_arguments, closures_by_name_and_by_reference) {
    auto body = [](cadre::serial_executor ex) -> task<> {
        const tracked t;
        auto holds_a_copy = [t](int x) { return t.text().size() + static_cast<std::size_t>(x); };
        const auto a = co_await cadre::on(ex, holds_a_copy, 1);
        EXPECT_EQ(a, long_text.size() + 1);
        const auto b = co_await cadre::on(ex, std::move(holds_a_copy), 2);
        EXPECT_EQ(b, long_text.size() + 2);
        const auto c = co_await cadre::on(ex, [&t](int x) { return t.text().size() + static_cast<std::size_t>(x); }, 3);
        EXPECT_EQ(c, long_text.size() + 3);
        const auto d = co_await cadre::on(ex, [](std::string s) { return s.size(); }, long_text);
        EXPECT_EQ(d, long_text.size());
        auto coroutine = [t](int x) -> task<std::size_t> {
            co_await cadre::yield();
            co_return t.text().size() + static_cast<std::size_t>(x);
        };
        const auto e = co_await cadre::on(ex, coroutine, 4);
        EXPECT_EQ(e, long_text.size() + 4);
        const std::function<int(int)> any = [t](int x) { return x; };
        const int f = co_await cadre::on(ex, any, 5);
        EXPECT_EQ(f, 5);
    };
    cadre::sync_wait(body(loop_));
}

TEST_F(compiler_arguments, bindings_and_move_only_values) {
    auto body = [](cadre::executor ex) -> task<> {
        const auto a = co_await cadre::on(ex, cadre::bind_portable(length, "a bound literal"));
        EXPECT_EQ(a, 15u);
        auto p = std::make_unique<int>(1);
        const int b = co_await cadre::on(ex, [](std::unique_ptr<int> q) { return *q; }, std::move(p));
        EXPECT_EQ(b, 1);
        const int c = co_await cadre::on(ex, [](std::unique_ptr<int> q) { return *q; }, std::make_unique<int>(2));
        EXPECT_EQ(c, 2);
    };
    cadre::sync_wait(body(loop_));
}

TEST_F(compiler_arguments, settings_and_options_in_place) {
    auto body = [](cadre::executor ex) -> task<> {
        const auto a = co_await cadre::on(ex.with({.name = "resize", .timeout = 1h}), length, long_text);
        EXPECT_EQ(a, long_text.size());
        const std::vector<std::string> words{long_text, "b"};
        const std::vector<std::size_t> expected{long_text.size(), 1};
        const auto b = co_await cadre::map(ex, length, words, {.chunk = 1, .window = 2, .name = "words"});
        EXPECT_EQ(b, expected);
        const auto c = co_await cadre::map(ex, length, words,
                                           cadre::map_options{.chunk = 2, .progress = [](std::size_t, std::size_t) {}});
        EXPECT_EQ(c, expected);
        std::size_t done = 0;
        auto note = [&](std::size_t n, std::size_t) { done = n; };
        const auto d = co_await cadre::map_outcomes(ex, length, words, {.progress = note});
        EXPECT_EQ(d.size(), 2u);
        EXPECT_EQ(done, 2u);
        const auto e = co_await cadre::on(cadre::make_executor("serial"), length, "abc");
        EXPECT_EQ(e, 3u);
        const auto f = co_await cadre::on(cadre::thread_executor{{.workers = 1, .name = "one"}}, length, "abcd");
        EXPECT_EQ(f, 4u);
        const auto g = co_await cadre::timeout(1h, cadre::on(ex, length, std::string("abcde")));
        EXPECT_EQ(g, 5u);
    };
    cadre::sync_wait(body(loop_));
}

TEST_F(compiler_arguments, values_sent_on_channels) {
    auto body = [](cadre::executor ex) -> task<> {
        cadre::channel<std::string> texts{ex, 8};
        co_await texts.send("a literal that is too long for the small buffer");
        co_await texts.send(long_text);
        co_await texts.send(std::string("made in the expression, and also long enough"));
        co_await texts.emplace(50u, 'x');
        texts.close();
        std::size_t all = 0;
        while (auto text = co_await texts.receive())
            all += text->size();
        EXPECT_EQ(all, 47 + long_text.size() + 44 + 50);

        struct message {
            std::string text;
            int number = 0;
        };
        cadre::channel<message> messages{ex, 8};
        const message named{long_text, 1};
        co_await messages.send(named);
        message moved{long_text, 2};
        co_await messages.send(std::move(moved));
        co_await messages.emplace("a literal that is too long for the small buffer", 3);
        int sum = 0;
        for (int i = 0; i < 3; ++i)
            if (auto m = co_await messages.receive()) sum += m->number + static_cast<int>(m->text.size());
        EXPECT_EQ(sum, 6 + 2 * static_cast<int>(long_text.size()) + 47);
    };
    cadre::sync_wait(body(loop_));
}

}  // namespace
