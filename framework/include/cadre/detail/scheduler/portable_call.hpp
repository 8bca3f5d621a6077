/// @file
/// A call to another process: its function, its encoded arguments, its options; and its reply.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

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
        false;  ///< prefers a worker that has run nothing: the call met the memory limit of its last one
};

enum class reply_kind : std::uint8_t {
    value,      ///< `bytes` is the encoded result; of a chunk, the results of all items in order
    exception,  ///< `bytes` is the encoded exception of the function; of a chunk, of item `items_done`
    failure,  ///< `error` says why the call did not complete: worker_crashed, worker_lost, task_killed, executor_stopped, …
    unfinished,  ///< a chunk of which `items_done` items have ended, with results in `partial`; the others have not begun
};

/// The result of a call.
struct call_reply {
    reply_kind kind = reply_kind::value;
    byte_buffer bytes{};  ///< private to this process: validated copies, never shared memory
    std::exception_ptr error{};  ///< with `failure`
    std::uint32_t items_done =
        0;  ///< chunk: items whose results are in `partial`/`bytes`; the item of that index failed
    byte_buffer
        partial{};  ///< chunk that failed or is unfinished: the committed results of the first `items_done` items
    std::exception_ptr last_item{};  ///< unfinished chunk: the error of the last item done if its time limit stopped it
    bool retry_last =
        false;  ///< unfinished chunk: the last item done met the memory limit, and is repeated if it may be
    std::string where{};  ///< the worker and task, for the text of the error
    std::vector<unique_fd> descriptors{};  ///< those in `partial` and `bytes`; an empty one was lost on its way
};

/// The caller's side of one portable call. Owned by the caller, and alive until the executor has called `complete`:
/// exactly once, on any thread, without holding a lock that its `request_stop` takes. `complete` only stores and posts.
/// The executor ignores a `request_stop` for a call that was never submitted or has completed; the object is still
/// alive then.
class portable_call {
public:
    portable_call() = default;
    portable_call(const portable_call&) = delete;
    portable_call& operator=(const portable_call&) = delete;
    virtual void complete(call_reply reply) noexcept = 0;

    function_id entry{};  ///< a `call_entry`
    byte_buffer arguments{};
    /// Those in the arguments. The call owns them until it has completed, so that it can be repeated; the executor sends copies.
    std::vector<unique_fd> descriptors{};
    bool may_return_descriptors = false;  ///< else a reply with descriptors is malformed
    std::uint32_t items = 1;  ///< more than one: a chunk, whose items begin and are committed one by one
    call_options options{};
    std::uint64_t id = 0;
    void* backend_data = nullptr;  ///< for use by the executor until `complete`
    std::atomic<pid_t> worker_pid{0};  ///< set by the executor when a worker starts the call

protected:
    ~portable_call() = default;
};

/// The worker's side of one portable call; created by the worker, alive until `finish` is called.
class invocation {
public:
    virtual ~invocation() = default;

    byte_buffer arguments{};
    std::vector<unique_fd> descriptors{};  ///< those in the arguments
    std::uint32_t items = 1;
    std::string name{};
    std::uint64_t id = 0;
    /// The root stop state of the call; the control thread of the worker requests stop on it.
    stop_state stop{};
    /// The executor of the call, for nested calls from the worker.
    std::shared_ptr<executor_backend> executor{};
    /// The run loop of the worker: home of the tasks of this call.
    executor_backend* home = nullptr;

    /// Chunk: item `index` begins. The error of a later crash names that item.
    virtual void begin_item(std::uint32_t index) noexcept = 0;
    /// Chunk: commits `results`, with the descriptors in them, as the encoded results of all items finished since the last commit.
    virtual void commit_items(std::uint32_t items_done, byte_buffer results,
                              std::vector<unique_fd> result_descriptors) noexcept = 0;
    /// Chunk: whether it ends now, with an `unfinished` reply, because of what the last item met: its time limit or a
    /// limit of the worker's memory.
    [[nodiscard]] virtual bool ends_early() noexcept { return false; }
    /// Completes the call; `reply.error` is not used. Chunk: `reply.bytes` is appended to the committed results. The
    /// invocation may be destroyed when this returns.
    virtual void finish(call_reply reply) noexcept = 0;
};

/// The function that `portable_call::entry` identifies. It runs on the loop thread of the worker and must arrange a
/// call of `finish`.
using call_entry = void (*)(invocation&) noexcept;

}  // namespace cadre::detail
