// Stop is requested at every suspension point of small programs in turn. Whatever the point: no frame and no value is
// left, no item is lost or doubled, no lock and no permit is held afterwards.
//
// The programs run on a virtual clock. A second task waits for `nanoseconds`, then yields `turns` times, and requests
// stop: between two of its steps each ready task of the program takes one, or with a seed one of the ready tasks does.
// The points are exhausted when the program ends before the request.

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

int live = 0;

// A value that travels, and a local of each frame.
class tracked {
public:
    explicit tracked(int n = 0) : number(n) { ++live; }
    tracked(const tracked& o) : number(o.number) { ++live; }
    tracked(tracked&& o) noexcept : number(std::exchange(o.number, -1)) { ++live; }
    tracked& operator=(const tracked&) = default;
    tracked& operator=(tracked&& o) noexcept {
        number = std::exchange(o.number, -1);
        return *this;
    }
    ~tracked() { --live; }
    template <class Archive>
    void serialize(Archive& a) {
        a(number);
    }
    int number;
};

/// A program: `run` is stopped somewhere, then `check` looks at what is left, without waiting.
class program {
public:
    virtual ~program() = default;
    virtual cadre::task<> run() = 0;
    virtual void check() = 0;
};

class pipeline final : public program {
public:
    explicit pipeline(const cadre::executor& ex) : first_(ex, 1), second_(ex, 2) {}
    cadre::task<> run() override {
        const tracked here;
        cadre::scope s;
        s.spawn(produce());
        s.spawn(transform());
        s.spawn(consume());
        co_await s.join();
    }
    void check() override {
        while (auto item = first_.try_receive())
            left_.push_back(item->number);
        while (auto item = second_.try_receive())
            left_.push_back(item->number);
        EXPECT_EQ(sent_, taken_ + static_cast<int>(left_.size()));
    }

private:
    cadre::task<> produce() {
        const tracked here;
        for (int i = 0; i < 5; ++i) {
            tracked item(i);
            co_await first_.send(std::move(item));
            ++sent_;
        }
        first_.close();
    }
    // An item that it holds when it is stopped is in its hands, not lost.
    cadre::task<> transform() {
        const tracked here;
        while (auto item = co_await first_.receive()) {
            try {
                co_await second_.send(std::move(*item));
            } catch (const cadre::cancelled&) {
                EXPECT_GE(item->number, 0) << "a cancelled send has taken the value";
                left_.push_back(item->number);
                throw;
            }
        }
        second_.close();
    }
    cadre::task<> consume() {
        const tracked here;
        int next = 0;
        while (auto item = co_await second_.receive()) {
            EXPECT_EQ(item->number, next++);
            ++taken_;
            co_await cadre::sleep_for(1ns);
        }
    }
    cadre::channel<tracked> first_;
    cadre::channel<tracked> second_;
    int sent_ = 0;
    int taken_ = 0;
    std::vector<int> left_;
};

class locks final : public program {
public:
    explicit locks(const cadre::executor& ex) : mutex_(ex), shared_(ex), permits_(ex, 2), changed_(ex) {}
    cadre::task<> run() override {
        co_await cadre::when_all(owner(), owner(), reader(), reader(), user(), user(), user(), notified(), notifier());
    }
    void check() override {
        EXPECT_TRUE(mutex_.try_lock());
        EXPECT_TRUE(shared_.try_lock());
        auto one = permits_.try_acquire();
        auto two = permits_.try_acquire();
        EXPECT_TRUE(one && two);
        EXPECT_FALSE(permits_.try_acquire());
    }

private:
    cadre::task<> owner() {
        const tracked here;
        for (int i = 0; i < 2; ++i) {
            auto guard = co_await mutex_.lock();
            EXPECT_FALSE(std::exchange(inside_, true));
            const leave_at_end end{inside_};
            co_await cadre::sleep_for(1ns);
        }
        auto all = co_await shared_.lock();
        co_await cadre::yield();
    }
    cadre::task<> reader() {
        const tracked here;
        auto part = co_await shared_.lock_shared();
        co_await cadre::sleep_for(1ns);
    }
    cadre::task<> user() {
        const tracked here;
        auto permit = co_await permits_.acquire();
        co_await cadre::yield();
    }
    cadre::task<> notified() {
        const tracked here;
        auto guard = co_await mutex_.lock();
        while (!ready_)
            co_await changed_.wait(guard);
    }
    cadre::task<> notifier() {
        const tracked here;
        co_await cadre::sleep_for(2ns);
        auto guard = co_await mutex_.lock();
        ready_ = true;
        changed_.notify_all();
    }
    struct leave_at_end {
        bool& inside;
        ~leave_at_end() { inside = false; }
    };
    cadre::async_mutex mutex_;
    cadre::async_shared_mutex shared_;
    cadre::async_semaphore permits_;
    cadre::async_condition_variable changed_;
    bool inside_ = false;
    bool ready_ = false;
};

class selects final : public program {
public:
    explicit selects(const cadre::executor& ex) : a_(ex, 1), b_(ex, 1), mutex_(ex) {}
    cadre::task<> run() override { co_await cadre::when_all(feed(a_), feed(b_), choose(), holder()); }
    void check() override {
        int left = 0;
        while (a_.try_receive())
            ++left;
        while (b_.try_receive())
            ++left;
        EXPECT_EQ(sent_, taken_ + left);
        EXPECT_TRUE(mutex_.try_lock());
    }

private:
    cadre::task<> feed(cadre::channel<tracked> to) {
        const tracked here;
        for (int i = 0; i < 2; ++i) {
            tracked item(i);
            co_await to.send(std::move(item));
            ++sent_;
            co_await cadre::sleep_for(1ns);
        }
    }
    cadre::task<> choose() {
        const tracked here;
        while (taken_ < 4) {
            const auto got = co_await cadre::select(a_.receive(), b_.receive(), mutex_.lock(), cadre::after(2ns));
            if (got.index() < 2) ++taken_;
            if (got.index() == 2) co_await cadre::sleep_for(1ns);  // a virtual clock stands still for a task that polls
        }
    }
    cadre::task<> holder() {
        const tracked here;
        auto guard = co_await mutex_.lock();
        co_await cadre::sleep_for(2ns);
    }
    cadre::channel<tracked> a_;
    cadre::channel<tracked> b_;
    cadre::async_mutex mutex_;
    int sent_ = 0;
    int taken_ = 0;
};

cadre::stream<tracked> numbers() {
    const tracked here;
    for (int i = 0; i < 3; ++i) {
        co_await cadre::sleep_for(1ns);
        co_yield tracked(i);
    }
}

class combinators final : public program {
public:
    explicit combinators(const cadre::executor& ex) : ex_(ex), event_(ex), latch_(ex, 2), barrier_(ex, 2) {}
    cadre::task<> run() override {
        const tracked here;
        co_await cadre::when_any(leaf(1), leaf(3));
        (void)co_await cadre::as_outcome(cadre::timeout(2ns, leaf(5)));
        co_await cadre::shield(leaf(1));
        auto items = numbers() | cadre::views::buffer(2);
        while (auto item = co_await items.next())
            co_await cadre::yield();
        cadre::shared_task<tracked> shared{give()};
        co_await cadre::when_all(use(shared), use(shared), arrive(), arrive(), waits());
        (void)co_await cadre::as_outcome(cadre::retry({.attempts = 2, .delay = 1ns}, fails));
        auto job = cadre::spawn(ex_, job_body);
        co_await std::move(job);
    }
    void check() override {}

private:
    static cadre::task<> leaf(int ns) {
        const tracked here;
        co_await cadre::sleep_for(std::chrono::nanoseconds(ns));
    }
    static cadre::task<tracked> give() {
        const tracked here;
        co_await cadre::sleep_for(1ns);
        co_return tracked(7);
    }
    static cadre::task<> use(cadre::shared_task<tracked> shared) {
        const tracked here;
        EXPECT_EQ((co_await shared).number, 7);
    }
    cadre::task<> arrive() {
        const tracked here;
        co_await barrier_.arrive_and_wait();
        latch_.count_down();
        event_.set();
    }
    cadre::task<> waits() {
        const tracked here;
        co_await event_.wait();
        co_await latch_.wait();
    }
    static cadre::task<> fails() {
        const tracked here;
        co_await cadre::yield();
        throw std::runtime_error("always");
    }
    static cadre::task<> job_body() {
        const tracked here;
        co_await cadre::sleep_for(1ns);
    }
    cadre::executor ex_;
    cadre::async_event event_;
    cadre::async_latch latch_;
    cadre::async_barrier barrier_;
};

cadre::task<> request_after(int nanoseconds, int turns, const bool& ended, std::stop_source stop) {
    co_await cadre::sleep_for(std::chrono::nanoseconds(nanoseconds));
    for (int i = 0; i < turns && !ended; ++i)
        co_await cadre::yield();
    if (!ended) stop.request_stop();
}

cadre::task<> run_program(program& p, bool& ended, std::stop_token stop) {
    try {
        co_await cadre::with_stop(std::move(stop), p.run());
    } catch (const cadre::cancelled&) {
    }
    ended = true;
}

template <class P>
cadre::task<bool> run_and_stop(int nanoseconds, int turns) {
    const cadre::executor self = co_await cadre::this_task::executor();
    P p(self);
    std::stop_source stop;
    bool ended = false;
    co_await cadre::when_all(run_program(p, ended, stop.get_token()), request_after(nanoseconds, turns, ended, stop));
    p.check();
    co_return stop.stop_requested();
}

// @return the number of points at which stop was requested
template <class P>
int stop_everywhere(std::optional<std::uint64_t> seed) {
    int points = 0;
    for (int nanoseconds = 0;; ++nanoseconds) {
        int turns = 0;
        for (;; ++turns) {
            const cadre::serial_executor loop{{.clock = cadre::clock_kind::virtual_time, .seed = seed}};
            const bool stopped = cadre::sync_wait(cadre::on(loop, run_and_stop<P>, nanoseconds, turns));
            EXPECT_EQ(live, 0);
            if (::testing::Test::HasFailure()) {
                ADD_FAILURE() << "stopped after " << nanoseconds << " ns and " << turns << " turns";
                return points;
            }
            if (!stopped || turns == 60) break;
            ++points;
        }
        if (turns == 0) return points;
    }
}

template <class P>
class stop_everywhere_in : public ::testing::Test {};
using programs = ::testing::Types<pipeline, locks, selects, combinators>;
TYPED_TEST_SUITE(stop_everywhere_in, programs);

}  // namespace

TYPED_TEST(stop_everywhere_in, order) {
    const int points = stop_everywhere<TypeParam>(std::nullopt);
    this->RecordProperty("points", points);
    EXPECT_GT(points, 20);
}

TYPED_TEST(stop_everywhere_in, orders_of_seeds) {
    for (std::uint64_t seed = 0; seed < 25 && !this->HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        EXPECT_GT(stop_everywhere<TypeParam>(seed), 20);
    }
}
