/// @file
/// The worker's side of a map: runs a chunk of items in order and commits each result as it completes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/call/call_trampoline.hpp>
#include <cadre/detail/call/item_claims.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/errors.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// What an item of a chunk sends back: this byte; then the value, or the worker and its error.
enum class item_result : std::uint8_t { value, error, not_run };

/// The worker's index, process and, if errors name it, host, which go with an error.
void encode_this_worker(encoder& out);
/// `worker 1 (pid 123)` or `worker 1 (pid 123) on node7`
[[nodiscard]] std::string decode_worker(decoder& in);

/// The work of one chunk, for `call_trampoline`. The arguments hold the function once, whether a failure ends the
/// chunk, then the arguments of each item; `decode_item` reads the results. A failure of a chunk of one item is the
/// call's own.
template <class Bound>
class chunk_runner {
    using result = typename Bound::result;

public:
    using function = typename Bound::function;
    static constexpr bool coroutine = Bound::coroutine;

    struct kept {};

    explicit chunk_runner(invocation& call)
        : call_(call), context_{.arrived = call.descriptors}, in_(call.arguments, &context_),
          function_(decode<function>(in_)), fail_fast_(decode<bool>(in_)), claims_(call.items) {}

    /// Runs a plain function on every item.
    [[nodiscard]] call_reply run(kept& /*result*/) {
        for (std::uint32_t i = 0; i < call_.items; ++i) {
            begin(i);
            try {
                Bound call = next();
                if constexpr (std::is_void_v<result>) {
                    call();
                    succeed();
                } else {
                    succeed(call());
                }
            } catch (...) {
                if (fail(std::current_exception(), i)) break;
            }
            if (!commit(i)) break;
        }
        return take_reply();
    }
    /// Runs a coroutine function on every item, one after the other.
    [[nodiscard]] task<void> start() {
        chunk_turn turn;
        while (const auto i = claims_.next()) {
            begin(*i);
            try {
                if (i != 0U) begin_next();
                Bound call = next();
                if constexpr (std::is_void_v<result>) {
                    co_await call();
                    succeed();
                } else {
                    result value = co_await call();
                    succeed(value);
                }
            } catch (...) {
                if (fail(std::current_exception(), *i)) break;
            }
            if (!commit(*i)) break;
            if (call_.may_return && turn.is_over()) co_return;
        }
        claims_.keep_rest();
    }
    /// On the thread that has started the task, which has suspended or ended: returns the items that are left.
    void return_rest() noexcept {
        if (!call_.may_return) return;
        if (const std::uint32_t from = claims_.take_rest(); from != call_.items) call_.return_items(from);
    }
    [[nodiscard]] call_reply reply(const auto& /*promise*/, kept& /*result*/) noexcept { return take_reply(); }

private:
    [[nodiscard]] Bound next() {
        return [&]<class... As>(std::type_identity<std::tuple<As...>>) {
            return Bound(function_, std::tuple<As...>{decode<As>(in_)...});  // braces: left to right
        }(std::type_identity<typename Bound::arguments>{});
    }
    void begin_next() const {
        if (call_.stop.stop_requested()) throw cancelled{};
        if (call_.may_return) begin_worker_turn();
    }
    void begin(std::uint32_t i) noexcept {
        encoded_.clear();
        descriptors_.clear();
        if (call_.items > 1) call_.begin_item(i);
    }
    template <class... Value>
    void succeed(const Value&... value) {
        encoder(encoded_).write_byte(static_cast<std::uint8_t>(item_result::value));
        (encode_result(encoded_, descriptors_, value), ...);
    }
    // @return whether the chunk ends here
    [[nodiscard]] bool fail(const std::exception_ptr& error, std::uint32_t i) {
        encoded_.clear();
        descriptors_.clear();
        if (call_.items == 1) {
            only_failure_ = error;
            return true;
        }
        encoder out(encoded_);
        out.write_byte(static_cast<std::uint8_t>(item_result::error));
        encode_this_worker(out);
        encode_exception(out, error);
        if (!fail_fast_ || call_.ends_early()) return false;
        claims_.keep_rest();
        (void)commit(i);
        commit_not_run();
        return true;
    }
    // In parts: a commit of several items is small, so that it never lacks memory.
    void commit_not_run() {
        constexpr std::uint32_t max_part = 4096;
        while (items_done_ != claims_.size()) {
            const std::uint32_t n = std::min(max_part, claims_.size() - items_done_);
            for (std::uint32_t item = 0; item != n; ++item)
                encoder(encoded_).write_byte(static_cast<std::uint8_t>(item_result::not_run));
            call_.commit_items(items_done_ += n, std::exchange(encoded_, {}), {});
        }
    }
    // @return whether the chunk continues
    [[nodiscard]] bool commit(std::uint32_t i) noexcept {
        if (call_.items == 1) return true;
        call_.commit_items(i + 1, std::exchange(encoded_, {}), std::exchange(descriptors_, {}));
        items_done_ = i + 1;
        return items_done_ == claims_.size() || !call_.ends_early();
    }
    // The result of a chunk of one item is not committed: the reply carries it.
    [[nodiscard]] call_reply take_reply() noexcept {
        if (only_failure_ != nullptr) return exception_reply(only_failure_);
        call_reply r;
        r.bytes = std::move(encoded_);
        r.descriptors = std::move(descriptors_);
        if (call_.items != 1 && items_done_ != claims_.size()) {
            r.kind = reply_kind::unfinished;
            r.items_done = items_done_;
        }
        return r;
    }

    invocation& call_;
    codec_context context_;
    decoder in_;
    function function_;
    bool fail_fast_;
    item_claims claims_;
    byte_buffer encoded_;  // the result of the present item
    std::vector<unique_fd> descriptors_;  // those in it
    std::uint32_t items_done_ = 0;
    std::exception_ptr only_failure_;
};

}  // namespace cadre::detail
