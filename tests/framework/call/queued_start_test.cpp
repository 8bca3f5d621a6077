// Work in an executor's queue either begins or is withdrawn, and a withdrawn item lives until the queue returns it.
#include <cadre/detail/call/queued_start.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/executor_backend.hpp>

namespace {

using cadre::detail::queued_start;

// A local executor whose queue the test holds.
class held_queue final : public cadre::executor_backend {
public:
    [[nodiscard]] cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return 1; }
    [[nodiscard]] std::string name() const override { return "held"; }
    using executor_backend::submit;
    void submit(std::span<cadre::work_item* const> items) noexcept override {
        items_.insert(items_.end(), items.begin(), items.end());
    }
    void run_all() {
        for (cadre::work_item* item : std::exchange(items_, {}))
            item->run(item);
    }
    [[nodiscard]] std::size_t queued() const noexcept { return items_.size(); }

private:
    std::vector<cadre::work_item*> items_;
};

void count(void* work) noexcept { ++*static_cast<std::atomic<int>*>(work); }

TEST(queued_start, begins_once_when_the_queue_runs_it) {
    const auto backend = std::make_shared<held_queue>();
    std::atomic<int> begun{0};
    auto item = queued_start::make(*backend, count, &begun);
    item->mark_queued();
    item->submit();
    EXPECT_EQ(begun, 0);
    backend->run_all();
    EXPECT_EQ(begun, 1);
    EXPECT_FALSE(item->withdraw());
    queued_start::release(std::move(item), backend);
}

TEST(queued_start, may_be_queued_again) {
    const auto backend = std::make_shared<held_queue>();
    std::atomic<int> begun{0};
    auto item = queued_start::make(*backend, count, &begun);
    for (int i = 1; i <= 3; ++i) {
        item->mark_queued();
        item->submit();
        backend->run_all();
        EXPECT_EQ(begun, i);
    }
}

TEST(queued_start, a_withdrawn_item_never_begins_and_is_registered_until_the_queue_returns_it) {
    const auto backend = std::make_shared<held_queue>();
    std::atomic<int> begun{0};
    auto item = queued_start::make(*backend, count, &begun);
    item->mark_queued();
    item->submit();
    EXPECT_TRUE(item->withdraw());
    EXPECT_FALSE(item->withdraw());
    queued_start::release(std::move(item), backend);
    EXPECT_EQ(backend->registry().live(), 1u);
    EXPECT_EQ(backend->queued(), 1u);
    backend->run_all();
    EXPECT_EQ(begun, 0);
    EXPECT_EQ(backend->registry().live(), 0u);
    EXPECT_EQ(backend.use_count(), 1);
}

TEST(queued_start, the_queue_may_return_a_withdrawn_item_before_it_is_released) {
    const auto backend = std::make_shared<held_queue>();
    std::atomic<int> begun{0};
    auto item = queued_start::make(*backend, count, &begun);
    item->mark_queued();
    item->submit();
    EXPECT_TRUE(item->withdraw());
    backend->run_all();
    queued_start::release(std::move(item), backend);
    EXPECT_EQ(begun, 0);
    EXPECT_EQ(backend->registry().live(), 0u);
    EXPECT_EQ(backend.use_count(), 1);
}

TEST(queued_start, either_begins_or_is_withdrawn) {
    const auto backend = std::make_shared<held_queue>();
    for (int i = 0; i < 1000; ++i) {
        std::atomic<int> begun{0};
        std::atomic<bool> go{false};
        auto item = queued_start::make(*backend, count, &begun);
        item->mark_queued();
        item->submit();
        std::thread worker([&] {
            while (!go)
                std::this_thread::yield();
            backend->run_all();
        });
        go = true;
        if (i % 2 != 0) std::this_thread::yield();
        const bool withdrawn = item->withdraw();
        if (withdrawn) queued_start::release(std::move(item), backend);
        worker.join();
        EXPECT_EQ(begun, withdrawn ? 0 : 1);
        EXPECT_EQ(backend->registry().live(), 0u);
    }
}

}  // namespace
