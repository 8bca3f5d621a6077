// An executor whose calls leave this process, as far as the callers can tell: the test completes them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>

namespace call_test {

using cadre::detail::call_reply;
using cadre::detail::portable_call;
using cadre::detail::reply_kind;
using cadre::detail::stop_reason;

class fake_remote final : public cadre::executor_backend {
public:
    explicit fake_remote(bool limits_calls = false, int default_retries = 0)
        : limits_calls_(limits_calls), default_retries_(default_retries) {}

    [[nodiscard]] cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return 1; }
    [[nodiscard]] std::string name() const override { return "fake"; }
    void submit(std::span<cadre::work_item* const>) noexcept override {}
    [[nodiscard]] bool remote() const noexcept override { return true; }
    [[nodiscard]] bool limits_calls() const noexcept override { return limits_calls_; }
    [[nodiscard]] int default_retries() const noexcept override { return default_retries_; }
    void submit(std::span<portable_call* const> calls) noexcept override {
        const std::lock_guard lock(mutex_);
        calls_.insert(calls_.end(), calls.begin(), calls.end());
        changed_.notify_all();
    }
    void request_stop(portable_call&, stop_reason why) noexcept override {
        const std::lock_guard lock(mutex_);
        stops_.push_back(why);
        changed_.notify_all();
    }

    /// Waits for the `n`-th call that was ever submitted, from 0.
    portable_call& call(std::size_t n) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return calls_.size() > n; });
        return *calls_[n];
    }
    /// Waits for the `n`-th stop request, from 0.
    stop_reason stop(std::size_t n) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stops_.size() > n; });
        return stops_[n];
    }
    [[nodiscard]] std::size_t calls() {
        const std::lock_guard lock(mutex_);
        return calls_.size();
    }
    [[nodiscard]] std::size_t stops() {
        const std::lock_guard lock(mutex_);
        return stops_.size();
    }

private:
    const bool limits_calls_;
    const int default_retries_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<portable_call*> calls_;
    std::vector<stop_reason> stops_;
};

template <class T>
call_reply value_reply(const T& value) {
    call_reply reply;
    cadre::detail::encoder out(reply.bytes);
    cadre::detail::encode(out, value);
    return reply;
}

template <class Error>
call_reply failure_reply(Error error) {
    call_reply reply;
    reply.kind = reply_kind::failure;
    reply.error = std::make_exception_ptr(std::move(error));
    return reply;
}

}  // namespace call_test
