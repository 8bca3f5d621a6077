/// @file
/// The parent's end of one worker process: its memory, rings, descriptors and the calls that it has.
#pragma once

#include "process/os/worker_launcher.hpp"
#include "process/parent/call_record.hpp"
#include "process/parent/output_reader.hpp"
#include "process/plane/call_memory.hpp"

#include <cadre/errors.hpp>

#include <array>
#include <deque>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

namespace cadre::detail::process_parent {

class nested_call;

class worker_connection {
public:
    /// How far the worker is in its life. Calls go to `starting` and `ready` ones.
    enum class stage {
        starting,  ///< its initializer has not run yet; calls wait in its ring
        ready,
        retiring,  ///< has had its share of tasks; leaves when the last has ended, and takes only what these wait for
        leaving,  ///< was told to quit
        dying,  ///< is being killed, or broke the protocol
    };

    explicit worker_connection(std::uint32_t worker_index);
    worker_connection(const worker_connection&) = delete;
    worker_connection& operator=(const worker_connection&) = delete;

    [[nodiscard]] bool accepts() const noexcept {
        return (life == stage::starting || life == stage::ready) && !share_used();
    }
    /// Whether it has had its share of tasks.
    [[nodiscard]] bool share_used() const noexcept { return share != 0 && published >= share; }
    /// Whether one more call may be queued here if `depth` may wait.
    [[nodiscard]] bool has_credit(std::uint64_t depth) noexcept {
        if (!requests.has_room()) return false;
        if (queued < depth) return true;
        queued = requests.queued();
        return queued < depth;
    }
    /// What placement compares: the calls it has, and a handicap while it starts.
    [[nodiscard]] std::size_t load() const noexcept { return calls.size() + (life == stage::starting ? 4 : 0); }

    /// Wakes the worker's loop if it sleeps and was not rung for this sleep yet.
    void ring() noexcept;

    /// Sends an event to the worker's loop (`to_loop`) or to its control thread; waits in a private queue if the ring is
    /// full. Throws std::bad_alloc.
    void reply(const process_plane::event& e, std::span<const std::byte> body);
    void order(const process_plane::event& e);
    /// Sends what waits. @return whether something still waits
    bool flush() noexcept;

    /// `worker 2 (pid 4711)`
    [[nodiscard]] std::string title() const;

    const std::uint32_t index;
    const std::uint64_t serial;  // of this process's channels: never used twice
    process_plane::call_memory memory;
    process_plane::block_allocator area;
    process_plane::request_writer requests;
    process_plane::event_writer<process_plane::reply_slots> replies;
    process_plane::event_writer<process_plane::order_slots> orders;
    process_plane::event_reader<process_plane::event_slots> events;

    // Its place among the processes that share the state plane.
    unsigned slot = 0;
    std::uint64_t generation = 0;
    int bell = -1;  // the eventfd its loop sleeps on; the state plane's

    process_os::launched_worker os{};
    std::optional<output_reader> output{};

    stage life = stage::starting;
    record_list calls{};
    std::uint64_t published = 0;
    std::uint64_t share = 0;  // calls until it retires; 0: it never does
    std::uint64_t queued = 0;  // in its ring, at most
    std::uint32_t functions_known = 0;
    std::unordered_map<std::uint64_t, nested_call*> nested{};
    bool ring_wanted = false;

    bool was_ready = false;
    std::exception_ptr start_error{};  // what its initializer threw
    std::string violation{};  // how it broke the protocol
    bool killed = false;  // because calls that were to end by now had not
    std::uint64_t progress_seen = 0;  // requests it had passed when the supervisor last looked

private:
    struct waiting {
        process_plane::event e;
        byte_buffer body;
    };
    template <std::size_t Slots>
    bool push(process_plane::event_writer<Slots>& ring, process_plane::event& e,
              std::span<const std::byte> body) noexcept;

    std::deque<waiting> waiting_replies_;
    std::deque<process_plane::event> waiting_orders_;
    std::uint64_t notified_state_ = 0;
};

}  // namespace cadre::detail::process_parent
