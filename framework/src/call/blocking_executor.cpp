#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <typeinfo>

#include "base/process_owner.hpp"

#include <cadre/detail/task/block_on.hpp>
#include <cadre/run_blocking.hpp>

namespace cadre::detail {

namespace {

/// One thread for each running call. Idle threads end after some seconds, except one: if the system
/// refuses further threads, calls wait for this one.
class blocking_backend final : public executor_backend {
public:
    [[nodiscard]] executor_kind kind() const noexcept override { return executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return 512; }
    [[nodiscard]] std::string name() const override { return "blocking"; }
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override {
        return extension == typeid(blocking_threads) ? &threads_may_block_ : nullptr;
    }
    using executor_backend::submit;
    void submit(std::span<work_item* const> items) noexcept override {
        const std::lock_guard hold(mutex_);
        for (work_item* item : items) {
            queue_.push_back(*item);
            ++queued_;
        }
        try {
            while (idle_ < queued_ && threads_ < concurrency())
                start_thread_locked();
        } catch (
            const std::system_error&) {  // NOLINT(bugprone-empty-catch): the threads that run take the items in turn
        }
        ready_.notify_all();
    }
    /// Starts the first thread. @throws std::system_error
    void require_thread() {
        const std::lock_guard hold(mutex_);
        if (threads_ == 0) start_thread_locked();
    }

private:
    void start_thread_locked() {
        try {
            std::thread([this] { work(); }).detach();
        } catch (const std::system_error& e) {
            throw std::system_error(e.code(), "starting a thread for run_blocking");
        }
        ++threads_;
        ++idle_;
    }
    void work() {
        std::unique_lock hold(mutex_);
        for (;;) {
            const auto has_work = [&] { return !queue_.empty(); };
            if (threads_ == 1)
                ready_.wait(hold, has_work);
            else if (!ready_.wait_for(hold, std::chrono::seconds(5), has_work) && threads_ != 1)
                break;
            if (!has_work()) continue;
            work_item* const item = queue_.pop_front();
            --queued_;
            --idle_;
            hold.unlock();
            item->run(item);
            set_current_environment(nullptr);
            hold.lock();
            ++idle_;
        }
        --idle_;
        --threads_;
    }

    blocking_threads threads_may_block_;
    std::mutex mutex_;  // under it: threads are started; items run without it
    std::condition_variable ready_;
    work_item_queue queue_;
    std::size_t queued_ = 0;
    std::size_t idle_ = 0;
    std::size_t threads_ = 0;
};

}  // namespace

const executor& blocking_executor() {
    struct owned {
        const process_owner owner{};
        const std::shared_ptr<blocking_backend> backend = std::make_shared<blocking_backend>();
        const executor ex{backend};
    };
    static std::atomic<const owned*> present{new owned};  // its threads may outlive static objects
    const owned* own = present.load(std::memory_order_acquire);
    if (!own->owner.here()) present.store(own = new owned, std::memory_order_release);  // a fork has no thread of it
    own->backend->require_thread();
    return own->ex;
}

}  // namespace cadre::detail
