#include "executors/node/in_process_pool.hpp"

#include <cadre/detail/base/append_pieces.hpp>
#include <cadre/detail/codec/function_identity.hpp>
#include <cadre/errors.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <typeinfo>
#include <utility>
#include <vector>

namespace simulated {

namespace {

using namespace cadre::detail;

std::atomic<std::uint64_t> returns{0};

/// One call at work; the results of a chunk are collected here.
class call_at_work final : public invocation {
public:
    /// @param first_returned  of a raw chunk: the items from here on are returned before any has begun; 0: none
    call_at_work(portable_call& call, std::uint32_t first_returned) : call_(call), first_returned_(first_returned) {
        std::vector<std::span<const std::byte>> pieces;
        append_pieces(pieces, call.arguments.span(), call.borrowed);
        for (const auto& piece : pieces)
            bytes_.append(piece);
        arguments = bytes_.span();
        items = call.items;
        claim = call.raw.claim;
        id = call.id;
    }
    void begin_item(std::uint32_t) noexcept override {}
    void commit_items(std::uint32_t, byte_buffer results, std::vector<cadre::unique_fd>) noexcept override {
        committed_.append(results.span());
    }
    [[nodiscard]] raw_place open_raw(std::uint32_t size) noexcept override {
        raw_size_ = size;
        raw_.resize_uninitialized(std::size_t{items} * size);
        const bool some = first_returned_ != 0 && first_returned_ < items;
        words_.range.store(raw_chunk_words::pack(0, some ? first_returned_ : items));
        if (some) {
            ++returns;
            call_.take_back(first_returned_);
        }
        words_.done.store(0);
        raw_open_ = true;
        return {.words = &words_, .results = raw_.data(), .fork_word = &word_};
    }
    [[nodiscard]] bool fail_item(std::uint32_t index, std::span<const std::byte> error) noexcept override {
        const std::uint32_t head[2] = {index, static_cast<std::uint32_t>(error.size())};
        errors_.append(std::as_bytes(std::span(head)));
        errors_.append(error);
        return true;
    }
    void finish(call_reply reply) noexcept override {
        if (reply.kind != reply_kind::exception && raw_open_) {
            raw_.resize_uninitialized(std::size_t{reply.items_done} * raw_size_);
            (reply.kind == reply_kind::value ? reply.bytes : reply.partial) = std::move(raw_);
            reply.item_errors = std::move(errors_);
        } else if (!committed_.empty()) {
            committed_.append(reply.bytes.span());
            (reply.kind == reply_kind::value ? reply.bytes : reply.partial) = std::move(committed_);
        }
        done = std::move(reply);
    }
    call_reply done;

private:
    portable_call& call_;
    const std::uint32_t first_returned_;
    byte_buffer bytes_;
    byte_buffer committed_;
    byte_buffer raw_;
    byte_buffer errors_;
    std::uint32_t raw_size_ = 0;
    bool raw_open_ = false;
    raw_chunk_words words_{};
    std::atomic<std::uint32_t> word_{0};
};

class in_process_pool final : public cadre::executor_backend, private borrowed_arguments, private raw_chunks {
public:
    in_process_pool(std::size_t workers, std::uint64_t seed) : workers_(workers), random_(seed) {
        thread_ = std::thread([this] { run(); });
    }
    ~in_process_pool() override {
        {
            const std::lock_guard hold(mutex_);
            ends_ = true;
            changed_.notify_all();
        }
        thread_.join();
    }
    [[nodiscard]] bool is_own_thread() const noexcept { return std::this_thread::get_id() == thread_.get_id(); }
    [[nodiscard]] cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return workers_; }
    [[nodiscard]] std::string name() const override { return "simulated"; }
    [[nodiscard]] bool remote() const noexcept override { return true; }
    [[nodiscard]] bool limits_calls() const noexcept override { return true; }
    [[nodiscard]] cadre::executor_stats stats() const override {
        cadre::executor_stats s = executor_backend::stats();
        const std::lock_guard hold(mutex_);
        s.queued = waiting_.size();
        return s;
    }
    void submit(std::span<cadre::work_item* const>) noexcept override { std::terminate(); }
    void submit(std::span<portable_call* const> calls) noexcept override {
        const std::lock_guard hold(mutex_);
        for (portable_call* call : calls)
            waiting_.push_back({call, false});
        changed_.notify_all();
    }
    // The thread completes it, because the caller may hold locks.
    void request_stop(portable_call& call, cadre::stop_reason) noexcept override {
        const std::lock_guard hold(mutex_);
        for (waiting& each : waiting_)
            if (each.call == &call) each.stopped = true;
        changed_.notify_all();
    }
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override {
        if (extension == typeid(borrowed_arguments)) return static_cast<borrowed_arguments*>(this);
        if (extension == typeid(raw_chunks)) return static_cast<raw_chunks*>(this);
        return nullptr;
    }

private:
    struct waiting {
        portable_call* call;
        bool stopped;
    };
    void run() {
        std::unique_lock hold(mutex_);
        for (;;) {
            changed_.wait(hold, [&] { return ends_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            const auto stopped = std::ranges::find(waiting_, true, &waiting::stopped);
            const auto at = stopped != waiting_.end() ? stopped : waiting_.begin();
            const waiting next = *at;
            waiting_.erase(at);
            const auto pause = std::chrono::microseconds(random_() % 60);
            const auto first_returned = static_cast<std::uint32_t>(random_() % 4);
            hold.unlock();
            if (next.stopped) {
                call_reply reply;
                reply.kind = reply_kind::failure;
                reply.error = std::make_exception_ptr(cadre::cancelled{});
                next.call->complete(std::move(reply));
            } else {
                std::this_thread::sleep_for(pause);
                call_at_work work(*next.call, next.call->raw.enabled ? first_returned : 0);
                reinterpret_cast<call_entry>(reinterpret_cast<std::uintptr_t>(resolve_function(next.call->entry)))(
                    work);
                next.call->complete(std::move(work.done));
            }
            hold.lock();
        }
    }

    const std::size_t workers_;
    std::mt19937_64 random_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<waiting> waiting_;
    bool ends_ = false;
    std::thread thread_;
};

}  // namespace

std::uint64_t returns_of_in_process_pools() noexcept { return returns.load(); }

cadre::executor make_in_process_pool(std::size_t workers, std::uint64_t seed) {
    // The last handle may be dropped by a call that completes.
    return cadre::executor(std::shared_ptr<in_process_pool>(new in_process_pool(workers, seed), [](in_process_pool* p) {
        if (p->is_own_thread())
            std::thread([p] { delete p; }).detach();
        else
            delete p;
    }));
}

}  // namespace simulated
