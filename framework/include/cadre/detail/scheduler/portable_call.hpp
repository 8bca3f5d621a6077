/// @file
/// A call to another process: its function, its encoded arguments, its options; and its reply.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <cadre/detail/base/borrowed_run.hpp>
#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/codec/function_identity.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/unique_fd.hpp>

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

/// The options that `executor::with` attaches to each call.
struct call_options {
    std::string name{};
    std::chrono::nanoseconds timeout{0};  ///< 0: none
    int priority = 0;                     ///< higher first
    int retries = -1;                     ///< retries after a worker's death; -1: the default of the executor
    bool fresh_worker =
        false;  ///< prefers a worker that has run nothing: the call exceeded the memory limit of its last worker
    bool windowed = false;  ///< of a map, whose window bounds how many wait: outside of `max_pending`
};

enum class reply_kind : std::uint8_t {
    value,      ///< `bytes` is the encoded result; of a chunk, the results of all items in order
    exception,  ///< `bytes` is the encoded exception of the function; of a chunk, of item `items_done`
    failure,  ///< the call did not complete: `error` is worker_crashed, worker_lost, task_killed, executor_stopped, …
    unfinished,  ///< a chunk: `items_done` items have ended, with results in `partial`; the others have not begun
};

/// The result of a call. Its members take much code to move and to destroy: the library has it once.
struct call_reply {
    call_reply() noexcept;
    call_reply(call_reply&& other) noexcept;
    call_reply& operator=(call_reply&& other) noexcept;
    ~call_reply();

    reply_kind kind = reply_kind::value;
    byte_buffer bytes{};  ///< private to this process: validated copies, never shared memory
    std::exception_ptr error{};  ///< set if `kind` is `failure`
    std::uint32_t items_done =
        0;  ///< chunk: items whose results are in `partial`/`bytes`; the item of that index failed
    byte_buffer
        partial{};  ///< chunk that failed or is unfinished: the committed results of the first `items_done` items
    bool all_begun = false;  ///< chunk that failed: any item that is not done may have begun, because its host is gone
    std::exception_ptr last_item{};  ///< unfinished chunk: the error of the last item done if its time limit stopped it
    bool retry_last =
        false;  ///< unfinished chunk: the last item done exceeded the memory limit, and is repeated if retries are left
    std::string where{};  ///< the worker and task, for the text of the error
    std::vector<unique_fd> descriptors{};  ///< those in `partial` and `bytes`; an empty descriptor was lost in transit
    byte_buffer item_errors{};  ///< raw chunk: (index, size, encoded error) of each item that has failed
    std::uint32_t nanoseconds = 0;  ///< how long the call kept its worker; 0: not measured
    borrowed_runs borrowed{};  ///< from a worker whose call takes them: runs of `bytes` that are in the result itself
};

/// A chunk whose results are plain values of one size: they travel as an array, in which an item that has failed leaves
/// a hole. Only for backends that have a `raw_chunks` extension.
struct raw_chunk {
    bool enabled = false;
    std::uint32_t result_size = 0;  ///< bytes of each result; 0: the function returns nothing
    std::uint32_t claim = 1;  ///< items that a worker claims at a time; those that are not claimed can be taken back
    std::byte* results =
        nullptr;  ///< where the result of the first item goes; null: to `call_reply::bytes` or `partial`
};

/// The extension of a backend that takes arguments in pieces (`executor_backend::query`): `portable_call::borrowed`.
class borrowed_arguments {
protected:
    ~borrowed_arguments() = default;
};

/// The extension of a backend that runs raw chunks (`executor_backend::query`).
class raw_chunks {
protected:
    ~raw_chunks() = default;
};

class portable_call;

/// The progress of a chunk that has not completed.
struct chunk_progress_report {
    std::uint32_t items_done = 0;
    byte_buffer results{};  ///< of the first `items_done` items, without the `known` bytes that the caller has
    byte_buffer item_errors{};  ///< raw chunk: of the failed items, without the bytes that the caller has
};

/// The extension of a backend that knows the progress of a chunk (`executor_backend::query`).
class chunk_progress_source {
public:
    /// The committed items of `call`, a chunk of several items that was submitted and has not completed. Thread-safe;
    /// takes the lock that `request_stop` takes. @return false if nothing is known
    [[nodiscard]] virtual bool progress_of(const portable_call& call, std::size_t known_results,
                                           std::size_t known_errors, chunk_progress_report& report) = 0;

protected:
    ~chunk_progress_source() = default;
};

/// The caller's side of one portable call. Owned by the caller, and alive until the executor has called `complete`:
/// exactly once, on any thread, without holding a lock that its `request_stop` takes. `complete` only stores and posts.
/// The executor ignores a `request_stop` for a call that was never submitted or has completed; the object is still
/// alive then.
class portable_call {
public:
    portable_call();
    portable_call(const portable_call&) = delete;
    portable_call& operator=(const portable_call&) = delete;
    virtual void complete(call_reply reply) noexcept = 0;
    /// Raw chunk, or `returns_items`: the items from `from` on, which no worker has begun, are the caller's again.
    /// Called before `complete`, under the same rules; once at most.
    virtual void take_back(std::uint32_t from) noexcept;
    /// Called by the executor when a worker is to begin the call; 0: it waits again. Any thread; must not block.
    virtual void note_worker(pid_t pid) noexcept;
    /// Bytes of the encoded arguments.
    [[nodiscard]] std::size_t arguments_size() const noexcept { return arguments.size() + borrowed_size(borrowed); }

    function_id entry{};  ///< a `call_entry`
    byte_buffer arguments{};
    /// Those in the arguments. The call owns them until it has completed, so that it can be repeated; the executor
    /// sends copies.
    std::vector<unique_fd> descriptors{};
    bool may_return_descriptors = false;  ///< if false, a reply with descriptors is malformed
    borrowed_runs borrowed{};  ///< long runs of the arguments, in the caller's values until `complete`
    std::uint32_t items = 1;  ///< more than one: a chunk, whose items begin and are committed one by one
    raw_chunk raw{};
    bool returns_items = false;  ///< chunk of tasks: if one waits, the items behind it may be returned (`take_back`)
    call_options options{};
    std::uint64_t id = 0;
    void* backend_data = nullptr;  ///< for use by the executor until `complete`
    std::atomic<pid_t> worker_pid{0};  ///< process that runs the call; 0: not known
    /// Set by executors whose workers are on other hosts, which keep the text; null: this host, or not known.
    std::atomic<const std::string*> worker_host{nullptr};

protected:
    ~portable_call();
};

/// A raw chunk in its worker. The items of the chunk are a range that two processes share: the worker claims items at
/// its begin, the parent takes items back from its end.
///
/// | word | from | to | by | order |
/// | --- | --- | --- | --- | --- |
/// | range (begin, end) | (i, e), i < e | (i + n, e): claimed, n <= e - i | worker | compare-and-swap, relaxed |
/// | | (i, e), i < e | (i, i): taken back | parent | compare-and-swap, relaxed |
/// | done | i | i + 1 | worker, when the result is written | release |
///
/// Exactly one side has each item. Nothing is published by the swaps: the items were written before the chunk was sent.
/// `done` names the item in work, and commits: after a death the parent loads it with acquire and finds whole results.
struct raw_chunk_words {
    std::atomic<std::uint64_t> range;
    std::atomic<std::uint32_t> done;

    static constexpr std::uint64_t pack(std::uint32_t begin, std::uint32_t end) noexcept {
        return std::uint64_t{begin} << 32 | end;
    }
    static constexpr std::uint32_t begin(std::uint64_t range) noexcept {
        return static_cast<std::uint32_t>(range >> 32);
    }
    static constexpr std::uint32_t end(std::uint64_t range) noexcept { return static_cast<std::uint32_t>(range); }

    /// The worker takes up to `max_items` items. @return the first and the one behind the last; equal: none is left
    [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> claim(std::uint32_t max_items) noexcept {
        std::uint64_t now = range.load(std::memory_order_relaxed);
        for (;;) {
            const std::uint32_t first = begin(now);
            const std::uint32_t last = first + std::min(max_items, end(now) - first);
            if (first == last || range.compare_exchange_weak(now, pack(last, end(now)), std::memory_order_relaxed))
                return {first, last};
        }
    }
};

/// The worker's side of one portable call; created by the worker, alive until `finish` is called.
class invocation {
public:
    virtual ~invocation() = default;

    std::span<const std::byte> arguments{};  ///< valid until `finish`
    std::vector<unique_fd> descriptors{};  ///< file descriptors in the arguments
    std::uint32_t items = 1;
    std::uint32_t claim = 1;  ///< raw chunk: items to claim at a time
    bool may_return = false;  ///< chunk of tasks: `return_items` may be called
    std::string name{};
    std::uint64_t id = 0;
    /// The root stop state of the call; the control thread of the worker requests stop on it.
    stop_state stop{};
    /// The executor of the call, for nested calls from the worker.
    std::shared_ptr<executor_backend> executor{};
    /// The run loop of the worker: home of the tasks of this call.
    executor_backend* home = nullptr;

    /// Whether `finish` takes a reply with borrowed runs, which live until it returns.
    [[nodiscard]] virtual bool borrows_results() const noexcept { return false; }

    /// Chunk: item `index` begins. The error of a later crash names that item.
    virtual void begin_item(std::uint32_t index) noexcept = 0;
    /// Chunk: commits `results`, with the descriptors in them, as the encoded results of all items finished since the
    /// last commit.
    virtual void commit_items(std::uint32_t items_done, byte_buffer results,
                              std::vector<unique_fd> result_descriptors) noexcept = 0;
    /// Chunk: whether it ends now, with an `unfinished` reply, because the last item exceeded a limit: its time limit
    /// or a limit of the worker's memory.
    [[nodiscard]] virtual bool ends_early() noexcept { return false; }

    /// Chunk of tasks: the items from `from` on have not begun and do not belong to the chunk any longer.
    virtual void return_items(std::uint32_t /*from*/) noexcept {}

    /// The memory and the callbacks that a raw chunk needs while it runs.
    struct raw_place {
        raw_chunk_words* words = nullptr;  ///< shared with the parent
        std::byte* results = nullptr;  ///< for all items
        /// `begin_item` before each item and `ends_early` after it; else `ends_early` after claims and failures.
        bool watched = false;
        // A word that the kernel clears in every fork, and its value in the worker.
        const std::atomic<std::uint32_t>* fork_word = nullptr;
        std::uint32_t fork_token = 0;

        /// Whether this is the worker, and not a process that the function of an item has forked.
        [[nodiscard]] bool in_worker() const noexcept {
            return fork_word->load(std::memory_order_relaxed) == fork_token;
        }
    };
    /// Raw chunk of several items: memory for its words and for results of `size` bytes. Null words: there is no
    /// memory.
    [[nodiscard]] virtual raw_place open_raw(std::uint32_t /*size*/) noexcept { return {}; }
    /// Raw chunk: item `index` has failed. @return whether it can be committed now; else the chunk ends with it,
    /// uncommitted
    [[nodiscard]] virtual bool fail_item(std::uint32_t /*index*/, std::span<const std::byte> /*error*/) noexcept {
        return false;
    }
    /// Ends a process that was forked in a task and has left it.
    virtual void end_fork() noexcept {}

    /// Completes the call; `reply.error` is not used. Chunk: `reply.bytes` is appended to the committed results. The
    /// invocation may be destroyed when this returns.
    virtual void finish(call_reply reply) noexcept = 0;
};

/// The function that `portable_call::entry` identifies. It runs on the loop thread of the worker and must arrange a
/// call of `finish`.
using call_entry = void (*)(invocation&) noexcept;

}  // namespace cadre::detail
