/// @file
/// The shared state of the halves of a `map_stream`: the task that sends and collects, the stream that delivers.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <thread>

#include <cadre/detail/call/completion_queue.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/map_options.hpp>

namespace cadre::detail {

/// The sender waits in the completion queue of its map for the first of: completed chunks, or a signal that
/// there is more input, that there is room, or that stop is requested.
///
///     word        state  changed by                                          to      order
///     signalled_  false  `signal`: pushes the node                           true    exchange, acq_rel
///                 true   the sender, when it has taken the node              false   store, release
///     delivered_  n      the consumer, with elements of a batch              n + k   store, relaxed
///                        the consumer, with the last ones of a batch         n + k   store, seq_cst
///     wake_at_    any    the sender has no room: a number of deliveries      n       store, seq_cst
///                        the sender: it has room                             never   store, relaxed
///
/// The consumer reads `wake_at_` after its store of `delivered_`. For the last element of a batch both are seq_cst:
/// either the sender sees the room, or the consumer sees that it waits for it.
class map_stream_link {
public:
    map_stream_link() noexcept = default;
    map_stream_link(const map_stream_link&) = delete;
    map_stream_link& operator=(const map_stream_link&) = delete;

    /// Connects the sender's queue, and signals there when stop of `stop` is requested, until the end of the scope.
    class connection {
    public:
        connection(map_stream_link& link, completion_queue& queue, stop_state& stop) noexcept;
        connection(const connection&) = delete;
        connection& operator=(const connection&) = delete;
        ~connection();

    private:
        struct node : stop_node {
            map_stream_link* link = nullptr;
        };
        map_stream_link& link_;
        stop_state& stop_;
        node node_;
    };

    /// Wakes the sender. Any thread.
    void signal() noexcept;
    /// Sender: takes the node of the signal out of `completed`.
    void take_signal(completion_queue::nodes& completed) noexcept;

    /// The consumer of a batch is about to yield one element, or has taken this number of them.
    void count_delivery(std::size_t elements, bool last_of_batch) noexcept;
    /// Sender: whether there is room for `items` more beside the undelivered ones of `sent` items, `limit` in all. If
    /// not, the consumer signals when there is.
    [[nodiscard]] bool has_room(std::size_t sent, std::size_t limit, std::size_t items) noexcept;
    [[nodiscard]] std::size_t undelivered(std::size_t sent) const noexcept {
        return sent - delivered_.load(std::memory_order_seq_cst);
    }

    /// Calls `progress`, unless the stream has been dropped: then what it refers to may be gone.
    void report(const progress_callback& progress, std::size_t done, std::size_t total);
    void drop() noexcept;

private:
    static constexpr std::size_t never = static_cast<std::size_t>(-1);

    std::mutex mutex_;  // under it: `completion_queue::push`
    completion_queue* queue_ = nullptr;
    completion_queue::node signal_;
    std::atomic<bool> signalled_{false};
    std::atomic<std::size_t> delivered_{0};
    std::atomic<std::size_t> wake_at_{never};
    std::mutex progress_mutex_;  // under it: a user's progress function
    std::atomic<std::thread::id> reporting_{};  // thread that holds the lock and runs the progress function
    bool dropped_ = false;
};

}  // namespace cadre::detail
