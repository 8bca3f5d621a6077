// deferred_action: the action is called on the timers' thread with the strongest reason that was posted before it ran.
#include <cadre/detail/scheduler/deferred_action.hpp>

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace {

using cadre::detail::deferred_action;
using cadre::detail::stop_reason;

struct record {
    std::atomic<stop_reason> last{stop_reason::none};
    std::atomic<int> calls{0};

    static void note(void* self, stop_reason why) noexcept {
        auto& r = *static_cast<record*>(self);
        r.last.store(why);
        r.calls.fetch_add(1);
    }
    void wait_for(stop_reason why) const {
        while (last.load() != why)
            std::this_thread::yield();
    }
};

TEST(deferred_action, passes_the_reason_on) {
    record r;
    deferred_action action;
    action.post(&record::note, &r, stop_reason::deadline);
    r.wait_for(stop_reason::deadline);
    action.settle();
    EXPECT_EQ(r.calls.load(), 1);
}

TEST(deferred_action, a_stronger_reason_is_passed_on_later_and_a_weaker_one_is_not) {
    for (int i = 0; i < 200; ++i) {
        record r;
        deferred_action action;
        action.post(&record::note, &r, stop_reason::requested);
        if (i % 2 == 0) r.wait_for(stop_reason::requested);
        action.post(&record::note, &r, stop_reason::deadline);
        action.post(&record::note, &r, stop_reason::requested);
        r.wait_for(stop_reason::deadline);
        action.settle();
        EXPECT_EQ(r.last.load(), stop_reason::deadline);
        EXPECT_LE(r.calls.load(), 2);
    }
}

TEST(deferred_action, runs_before_settle_returns_or_never) {
    for (int i = 0; i < 200; ++i) {
        record r;
        int calls = 0;
        {
            deferred_action action;
            action.post(&record::note, &r, stop_reason::requested);
            action.settle();
            calls = r.calls.load();
        }
        EXPECT_LE(calls, 1);
        EXPECT_EQ(r.calls.load(), calls);
    }
}

}  // namespace
