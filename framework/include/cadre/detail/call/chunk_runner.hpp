/// @file
/// The worker's side of a map: runs a chunk of items in order and commits each result as it completes.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/call/call_trampoline.hpp>
#include <cadre/detail/call/item_claims.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// What an item of a chunk sends back: this byte; then the value, or the worker and its error.
enum class item_result : std::uint8_t { value, error, not_run };

/// The worker's index, process and, if errors name it, host, which go with an error.
void encode_this_worker(encoder& out);
/// `worker 1 (pid 123)` or `worker 1 (pid 123) on node7`
[[nodiscard]] std::string decode_worker(decoder& in);

/// What chunks of any function share: the results and failures of their items are committed one by one. A failure of a
/// chunk of one item is the call's own.
class chunk_work {
protected:
    /// The arguments of `call` follow the function and this flag: whether a failure ends the chunk.
    explicit chunk_work(invocation& call);
    ~chunk_work();
    void read_flag() { fail_fast_ = decode<bool>(in_); }

    [[nodiscard]] std::uint32_t size() const noexcept { return call_.items; }
    void begin(std::uint32_t i) noexcept;
    /// Of a task, not the first one. @throws cancelled
    void begin_next();
    template <class... Value>
    void succeed(const Value&... value) {
        encoder(encoded_).write_byte(static_cast<std::uint8_t>(item_result::value));
        (encode_result(encoded_, descriptors_, value), ...);
    }
    /// @return whether the chunk ends here
    [[nodiscard]] bool fail(const std::exception_ptr& error, std::uint32_t i);
    /// @return whether the chunk continues
    [[nodiscard]] bool commit(std::uint32_t i) noexcept;
    // The result of a chunk of one item is not committed: the reply carries it.
    [[nodiscard]] call_reply take_reply() noexcept;
    void return_unclaimed() noexcept;

    invocation& call_;
    codec_context context_;
    decoder in_;
    item_claims claims_;  // of tasks

private:
    void commit_not_run();

    bool fail_fast_ = false;
    byte_buffer encoded_;  // the result of the present item
    std::vector<unique_fd> descriptors_;  // file descriptors in `encoded_`
    std::uint32_t items_done_ = 0;
    std::exception_ptr only_failure_;
};

/// The work of one chunk, for `call_trampoline`. The arguments hold the function once, whether a failure ends the
/// chunk, then the arguments of each item; `decode_item` reads the results.
template <class Bound>
class chunk_runner : chunk_work {
    using result = typename Bound::result;

public:
    using function = typename Bound::function;
    static constexpr bool coroutine = Bound::coroutine;

    struct kept {};

    explicit chunk_runner(invocation& call) : chunk_work(call), function_(decode<function>(in_)) { read_flag(); }

    /// Runs a plain function on every item.
    [[nodiscard]] call_reply run(kept& /*result*/) {
        for (std::uint32_t i = 0; i < size(); ++i) {
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
    [[nodiscard]] task<void> start(frame_for<Bound, result> /*locals*/ = {}) {
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
    void return_rest() noexcept
        requires coroutine
    {
        return_unclaimed();
    }
    [[nodiscard]] call_reply reply(const auto& /*promise*/, kept& /*result*/) noexcept { return take_reply(); }

private:
    [[nodiscard]] Bound next() {
        return [&]<class... As>(std::type_identity<std::tuple<As...>>) {
            return Bound(function_, std::tuple<As...>{decode<As>(in_)...});  // braces: left to right
        }(std::type_identity<typename Bound::arguments>{});
    }

    function function_;
};

}  // namespace cadre::detail
