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
    [[nodiscard]] const cadre::work_item& front() const { return *items_.front(); }
    [[nodiscard]] std::size_t queued() const noexcept { return items_.size(); }

private:
    std::vector<cadre::work_item*> items_;
};

void count(void* work) noexcept { ++*static_cast<std::atomic<int>*>(work); }

// One item in the queue of an executor.
class queued_item : public ::testing::Test {
protected:
    queued_item() { queue(); }
    void queue() {
        item_->mark_queued();
        item_->submit();
    }
    void release() { queued_start::release(std::move(item_), backend_); }
    void expect_gone() const {
        EXPECT_EQ(begun_, 0);
        EXPECT_EQ(backend_->registry().live(), 0u);
        EXPECT_EQ(backend_.use_count(), 1);
    }

    const std::shared_ptr<held_queue> backend_ = std::make_shared<held_queue>();
    std::atomic<int> begun_{0};
    queued_start::pointer item_ = queued_start::make(*backend_, 7, count, &begun_);
};

TEST_F(queued_item, begins_when_the_queue_runs_it) {
    EXPECT_EQ(begun_, 0);
    backend_->run_all();
    EXPECT_EQ(begun_, 1);
    EXPECT_FALSE(item_->withdraw());
    release();
}

TEST_F(queued_item, names_its_task_to_the_executor) { EXPECT_EQ(backend_->front().env->info->id, 7u); }

TEST_F(queued_item, may_be_queued_again) {
    backend_->run_all();
    for (int i = 2; i <= 4; ++i) {
        queue();
        backend_->run_all();
        EXPECT_EQ(begun_, i);
    }
}

TEST_F(queued_item, that_is_withdrawn_is_registered_until_the_queue_returns_it) {
    EXPECT_TRUE(item_->withdraw());
    EXPECT_FALSE(item_->withdraw());
    release();
    EXPECT_EQ(backend_->registry().live(), 1u);
    EXPECT_EQ(backend_->queued(), 1u);
    backend_->run_all();
    expect_gone();
}

TEST_F(queued_item, that_is_withdrawn_may_be_returned_before_it_is_released) {
    EXPECT_TRUE(item_->withdraw());
    backend_->run_all();
    release();
    expect_gone();
}

TEST_F(queued_item, either_begins_or_is_withdrawn) {
    backend_->run_all();
    for (int i = 0; i < 1000; ++i) {
        begun_ = 0;
        if (item_ == nullptr) item_ = queued_start::make(*backend_, 7, count, &begun_);
        queue();
        std::atomic<bool> go{false};
        std::thread worker([&] {
            while (!go)
                std::this_thread::yield();
            backend_->run_all();
        });
        go = true;
        if (i % 2 != 0) std::this_thread::yield();
        const bool withdrawn = item_->withdraw();
        if (withdrawn) release();
        worker.join();
        EXPECT_EQ(begun_, withdrawn ? 0 : 1);
        EXPECT_EQ(backend_->registry().live(), 0u);
    }
}

}  // namespace
