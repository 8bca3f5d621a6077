// `shared_segment` on every kind: the same containers, with tasks that use them here and in workers.
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/shared_segment.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <new>
#include <ranges>
#include <stdexcept>
#include <string>

#include "conformance/kinds.hpp"

namespace {

using namespace conformance_tests;
using cadre::executor;
using cadre::shared_segment;
using cadre::task;
namespace shared = cadre::shared;

using word_counts = shared::map<shared::string, int>;

template <class Kind>
class segment_conformance : public ::testing::Test {
protected:
    const executor under_test = Kind::make();
};
using kinds = ::testing::Types<serial, threads<1>, threads<2>, processes<1>, processes<2>>;
TYPED_TEST_SUITE(segment_conformance, kinds);

task<void> count_words(shared_segment segment, int from) {
    for (int i = 0; i != 200; ++i) {
        auto g = co_await segment.lock();
        ++shared::value_of(g.find_or_construct<word_counts>("counts"), "word " + std::to_string((from + i) % 100));
    }
}

TYPED_TEST(segment_conformance, every_update_of_a_map_counts) {
    const auto body = [](executor ex) -> task<void> {
        const shared_segment segment{ex, 1 << 18};
        co_await cadre::when_all(cadre::on(ex, count_words, segment, 0), cadre::on(ex, count_words, segment, 50),
                                 count_words(segment, 25));
        const auto g = co_await segment.lock_shared();
        const word_counts* const counts = g.template find<word_counts>("counts");
        EXPECT_NE(counts, nullptr);
        if (counts == nullptr) co_return;
        EXPECT_EQ(counts->size(), 100U);
        for (const auto& [word, count] : *counts)
            EXPECT_EQ(count, 6) << word;
        EXPECT_FALSE(g.owner_died());
    };
    cadre::sync_wait(body(this->under_test));
}

using groups = shared::map<shared::string, shared::vector<shared::string>>;

task<std::string> third_of(shared_segment segment, std::string group) {
    const auto g = co_await segment.lock_shared();
    const groups* const all = g.find<groups>("groups");
    co_return all == nullptr ? "missing" : std::string(all->at(shared::string(all->find(group)->first))[2].c_str());
}

TYPED_TEST(segment_conformance, containers_nest) {
    const auto body = [](executor ex) -> task<void> {
        const shared_segment segment{ex, 1 << 18};
        {
            auto g = co_await segment.lock();
            auto& all = g.template find_or_construct<groups>("groups");
            for (const char* name : {"one", "two", "a string that is too long to be kept inside of its object"})
                shared::value_of(all, "fruits").emplace_back(name);
            EXPECT_EQ(&g.template find_or_construct<groups>("groups"), &all);
        }
        EXPECT_EQ(co_await cadre::on(ex, third_of, segment, "fruits"),
                  "a string that is too long to be kept inside of its object");
    };
    cadre::sync_wait(body(this->under_test));
}

TYPED_TEST(segment_conformance, holds_every_kind_of_container_and_plain_objects) {
    const auto body = [](executor ex) -> task<void> {
        const shared_segment segment{ex, 1 << 18};
        auto g = co_await segment.lock();
        auto& numbers = g.template find_or_construct<shared::deque<int>>("numbers");
        numbers.push_back(1);
        numbers.push_front(0);
        auto& names = g.template find_or_construct<shared::set<shared::string>>("names");
        names.emplace("b");
        names.emplace("a");
        auto& index = g.template find_or_construct<shared::unordered_map<int, shared::string>>("index");
        index.emplace(3, "three");
        auto& total = g.template find_or_construct<int>("total", 7);
        EXPECT_EQ(numbers[1], 1);
        EXPECT_EQ(*names.begin(), "a");
        EXPECT_EQ(index.at(3), "three");
        EXPECT_EQ(total, 7);
        EXPECT_EQ(g.template find_or_construct<int>("total", 8), 7);
        EXPECT_EQ(g.template find<double>("absent"), nullptr);
        EXPECT_TRUE(g.template destroy<int>("total"));
        EXPECT_FALSE(g.template destroy<int>("total"));
        EXPECT_TRUE(g.manager()->check_sanity());
    };
    cadre::sync_wait(body(this->under_test));
}

TYPED_TEST(segment_conformance, a_full_segment_is_bad_alloc_and_loses_nothing) {
    const auto body = [](executor ex) -> task<void> {
        const shared_segment segment{ex, 200'000};
        auto g = co_await segment.lock();
        auto& texts = g.template find_or_construct<shared::vector<shared::string>>("texts");
        std::size_t stored = 0;
        try {
            for (;; ++stored)
                texts.emplace_back(std::string(1'000, static_cast<char>('a' + stored % 26)));
        } catch (const std::bad_alloc&) {
        }
        EXPECT_GT(stored, 100U);  // it grows beyond the part with which it begins
        EXPECT_EQ(texts.size(), stored);
        for (std::size_t i = 0; i != stored; ++i)
            EXPECT_EQ(texts[i], std::string(1'000, static_cast<char>('a' + i % 26)));
        bool full = false;
        try {
            for (int i = 0;; ++i)
                (void)g.template find_or_construct<int>("name " + std::to_string(i), i);
        } catch (const std::bad_alloc&) {
            full = true;
        }
        EXPECT_TRUE(full);
        EXPECT_TRUE(g.template destroy<shared::vector<shared::string>>("texts"));
        (void)g.template find_or_construct<shared::vector<int>>("again", std::size_t{1'000});
        EXPECT_TRUE(g.manager()->check_sanity());
    };
    cadre::sync_wait(body(this->under_test));
}

TYPED_TEST(segment_conformance, readers_share_and_a_writer_excludes) {
    const auto body = [](executor ex) -> task<void> {
        const shared_segment segment{ex, 1 << 16};
        auto first = co_await segment.lock_shared();
        auto second = co_await segment.lock_shared();
        EXPECT_TRUE(first);
        EXPECT_TRUE(second);
        auto writer = cadre::spawn(ex, count_words, segment, 0);
        first.unlock();
        EXPECT_FALSE(first);
        second.unlock();
        co_await writer;
    };
    cadre::sync_wait(body(this->under_test));
}

TYPED_TEST(segment_conformance, a_size_that_holds_nothing_is_refused) {
    EXPECT_THROW((shared_segment{this->under_test, 16}), std::invalid_argument);
    EXPECT_THROW((shared_segment{this->under_test, -1}), std::invalid_argument);
}

}  // namespace
