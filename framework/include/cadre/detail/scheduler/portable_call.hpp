/// @file
/// A call on its way to another process: which function, its arguments as bytes, its options; and its reply.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include <sys/types.h>

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/codec/function_identity.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

/// What `executor::with` attaches to each call.
struct call_options {
    std::string name{};
    std::chrono::nanoseconds timeout{0};  ///< 0: none
    int priority = 0;                     ///< higher first
    int retries = -1;                     ///< repeats after a worker's death; -1: the executor's default
};

enum class reply_kind : std::uint8_t {
    value,      ///< `bytes` is the encoded result (of a chunk: the results of all items, one after the other)
    exception,  ///< `bytes` is the encoded exception that the function threw (of a chunk: `items_done` tells which item)
    failure,  ///< `error` says why it did not run to its end: worker_crashed, worker_lost, task_killed, executor_stopped, …
};

/// How a call ended.
struct call_reply {
    reply_kind kind = reply_kind::value;
    byte_buffer bytes{};  ///< private to this process: validated copies, never shared memory
    std::exception_ptr error{};  ///< with `failure`
    std::uint32_t items_done =
        0;  ///< chunk: items whose results are in `partial`/`bytes`; the item of that index failed
    byte_buffer partial{};  ///< chunk that failed: the committed results of the first `items_done` items
    std::string where{};  ///< which worker and task, for the error's text
};

/// The caller's side of one portable call. Owned by the caller and alive until `complete` was called, exactly once,
/// on any thread; `complete` only stores and posts. The executor calls it without holding a lock that its `request_stop`
/// takes. `request_stop` may come for a call that was never submitted or has completed (the object is still alive
/// then): the executor ignores it.
class portable_call {
public:
    portable_call() = default;
    portable_call(const portable_call&) = delete;
    portable_call& operator=(const portable_call&) = delete;
    virtual void complete(call_reply reply) noexcept = 0;

    function_id entry{};  ///< a `call_entry`
    byte_buffer arguments{};
    std::uint32_t items = 1;  ///< more than one: a chunk, whose entry begins and commits item by item
    call_options options{};
    std::uint64_t id = 0;
    void* backend_data = nullptr;  ///< for the executor while it has the call
    std::atomic<pid_t> worker_pid{0};  ///< set by the executor when a worker takes the call

protected:
    ~portable_call() = default;
};

/// The worker's side of one portable call; made by the executor's worker, alive until `finish` was called.
class invocation {
public:
    virtual ~invocation() = default;

    byte_buffer arguments{};
    std::uint32_t items = 1;
    std::string name{};
    std::uint64_t id = 0;
    /// The call's root stop state; the worker's control thread requests stop here.
    stop_state stop{};
    /// The executor that runs it, as seen from the worker (nested calls go through it).
    std::shared_ptr<executor_backend> executor{};
    /// The worker's run loop: home of the tasks of this call.
    executor_backend* home = nullptr;

    /// Chunk: item `index` begins. A death after this names that item.
    virtual void begin_item(std::uint32_t index) noexcept = 0;
    /// Chunk: commits `results` as the encoded results of all items finished since the last commit.
    virtual void commit_items(std::uint32_t items_done, byte_buffer results) noexcept = 0;
    /// Ends the call; `reply.error` is not used here. Chunk: `reply.bytes` is appended to what was committed. The
    /// invocation may be gone when this returns.
    virtual void finish(call_reply reply) noexcept = 0;
};

/// What `portable_call::entry` identifies. It runs on the worker's loop thread and must arrange that `finish` is called.
using call_entry = void (*)(invocation&) noexcept;

}  // namespace cadre::detail
