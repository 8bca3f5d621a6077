// Sources are visited without a lock, and never after `remove` has returned.
#include "scheduler/event_source_set.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace {

using cadre::detail::event_source;
using cadre::detail::event_source_set;

struct counted_source final : event_source {
    bool poll() noexcept override {
        EXPECT_TRUE(present.load());
        visits.fetch_add(1);
        return false;
    }
    void announce_sleep() noexcept override {}
    void announce_awake() noexcept override {}
    std::atomic<bool> present{true};
    std::atomic<int> visits{0};
};

TEST(event_source_set, visits_what_was_added_and_not_removed) {
    event_source_set set;
    counted_source a;
    counted_source b;
    const auto poll = [](event_source& s) { (void)s.poll(); };
    EXPECT_TRUE(set.empty());
    set.for_each(poll);
    set.add(a);
    set.add(b);
    set.for_each(poll);
    set.remove(a);
    set.for_each(poll);
    EXPECT_EQ(a.visits.load(), 1);
    EXPECT_EQ(b.visits.load(), 2);
    set.remove(b);
    EXPECT_TRUE(set.empty());
}

TEST(event_source_set, a_removed_source_is_not_being_visited) {
    event_source_set set;
    std::atomic<bool> ends{false};
    std::thread poller([&] {
        while (!ends.load())
            set.for_each([](event_source& s) { (void)s.poll(); });
    });
    counted_source always;
    set.add(always);
    for (int i = 0; i < 2000; ++i) {
        const auto s = std::make_unique<counted_source>();
        set.add(*s);
        if (i % 100 == 0)
            while (s->visits.load() == 0)
                std::this_thread::yield();
        set.remove(*s);
        s->present.store(false);
    }
    ends.store(true);
    poller.join();
}

}  // namespace
