#include "reactor_watch.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/process_owner.hpp"

#include <cadre/detail/scheduler/run_loop.hpp>

namespace cadre::detail {

class reactor_watch::helper {
public:
    helper() : thread_([this] { work(); }) {}
    ~helper() {
        if (!owner_.here()) {  // a fork: the thread is its parent's
            thread_.detach();
            return;
        }
        set(nullptr, true);
        thread_.join();
    }
    void send(reactor& where) { set(&where, false); }
    void recall() noexcept {
        std::unique_lock hold(mutex_);
        if (where_ == nullptr) return;
        where_->wake();  // the wake is kept: a helper that is not asleep yet returns at once
        changed_.wait(hold, [&] { return where_ == nullptr; });
    }

private:
    void set(reactor* where, bool quit) {
        {
            const std::lock_guard hold(mutex_);
            where_ = where;
            quit_ = quit;
        }
        changed_.notify_all();
    }
    void work() {
        std::unique_lock hold(mutex_);
        for (;;) {
            changed_.wait(hold, [&] { return where_ != nullptr || quit_; });
            if (quit_) return;
            reactor& where = *where_;
            hold.unlock();
            reactor_lease(where, nullptr).run_one(std::nullopt);
            hold.lock();
            where_ = nullptr;
            changed_.notify_all();
            hold.unlock();
            wake_loop_drivers();
            hold.lock();
        }
    }

    std::mutex mutex_;  // under it: `reactor::wake`, which calls no handler
    std::condition_variable changed_;
    reactor* where_ = nullptr;
    bool quit_ = false;
    const process_owner owner_{};
    std::thread thread_;
};

reactor_watch::reactor_watch() noexcept = default;
reactor_watch::~reactor_watch() = default;

void reactor_watch::send(reactor& where) {
    if (sent_ == helpers_.size()) helpers_.push_back(std::make_unique<helper>());
    helpers_[sent_++]->send(where);
}

void reactor_watch::recall() noexcept {
    for (std::size_t i = 0; i < sent_; ++i)
        helpers_[i]->recall();
    sent_ = 0;
}

}  // namespace cadre::detail
